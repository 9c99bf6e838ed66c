import type { LimitChangeEvent, PolicyNumbersNow } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';
import type { LivePolicy } from './live-policy.js';

/** Remembers the limits that apply when it is made, to find those that change afterwards. */
export class AppliedLimits {
  private readonly before: readonly {
    readonly live: LivePolicy;
    readonly all: Policy;
    readonly overrides: Overrides;
  }[];

  constructor(policies: readonly LivePolicy[]) {
    this.before = policies.map((live) => ({ live, all: live.current, overrides: overridesOf(live) }));
  }

  /** The limits that are different now. */
  *changes(): Iterable<LimitChangeEvent> {
    for (const { live, all, overrides } of this.before) {
      if (live.current !== all) yield changeOf(undefined, all, live.current);
      // A key without an override had, or has, the limit of all keys.
      for (const key of new Set([...overrides.keys(), ...live.keys])) {
        const [was, is] = [overrides.get(key) ?? all, live.for(undefined, key)];
        if (was !== is) yield changeOf(key, was, is);
      }
    }
  }
}

/** The policies of keys with an override. */
type Overrides = ReadonlyMap<string, Policy>;

const overridesOf = (live: LivePolicy): Overrides => new Map(live.keys.map((key) => [key, live.for(undefined, key)]));

const changeOf = (key: string | undefined, before: Policy, { name, ...now }: Policy): LimitChangeEvent => ({
  policy: name,
  key,
  ...numbersOf(now),
  before: numbersOf(before),
});

const numbersOf = ({ limit, burst, mode }: PolicyNumbersNow): PolicyNumbersNow => ({ limit, burst, mode });
