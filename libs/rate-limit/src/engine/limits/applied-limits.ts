import type { LimitChangeEvent, PolicyNumbersNow } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';
import type { LivePolicy } from './live-policy.js';

/** The limits that apply at the moment that this is made, to find those that change afterwards. */
export class AppliedLimits {
  private readonly before: readonly { readonly live: LivePolicy; readonly all: Policy; readonly own: Own }[];

  constructor(policies: readonly LivePolicy[]) {
    this.before = policies.map((live) => ({ live, all: live.current, own: ownOf(live) }));
  }

  /** What is different by now. */
  *changes(): Iterable<LimitChangeEvent> {
    for (const { live, all, own } of this.before) {
      if (live.current !== all) yield changeOf(undefined, all, live.current);
      // Without an override of its own, a key follows the others.
      for (const key of new Set([...own.keys(), ...live.keys])) {
        const [was, is] = [own.get(key) ?? all, live.for(undefined, key)];
        if (was !== is) yield changeOf(key, was, is);
      }
    }
  }
}

/** By key. */
type Own = ReadonlyMap<string, Policy>;

const ownOf = (live: LivePolicy): Own => new Map(live.keys.map((key) => [key, live.for(undefined, key)]));

const changeOf = (key: string | undefined, before: Policy, { name, ...now }: Policy): LimitChangeEvent => ({
  policy: name,
  key,
  ...numbersOf(now),
  before: numbersOf(before),
});

const numbersOf = ({ limit, burst, mode }: PolicyNumbersNow): PolicyNumbersNow => ({ limit, burst, mode });
