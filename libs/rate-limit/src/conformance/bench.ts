import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import type { Hit } from '../core/hit.js';
import type { Policy } from '../core/policy.js';
import type { RateLimitStore } from '../core/store.js';
import type { StoreLaw } from './store-law.js';

/** An empty list of laws, and how to add one. */
export function lawsOf<Store extends RateLimitStore>(open: (now: Clock) => Store | Promise<Store>) {
  const laws: StoreLaw[] = [];
  const law = (sentence: string, prove: (bench: Bench<Store>) => Promise<void>) =>
    laws.push({
      sentence,
      check: async () => {
        const clock = { now: 1_800_000_000_000 };
        const store = await open(() => clock.now);
        await prove(new Bench(store, clock));
      },
    });
  return { laws, law };
}

/** A store, its clock, and a key that no other check uses. */
export class Bench<Store extends RateLimitStore = RateLimitStore> {
  readonly key = randomUUID();

  constructor(
    readonly store: Store,
    readonly clock: { now: number },
  ) {}

  readonly hit = (policy: Policy, { cost = 1, key = this.key } = {}): Hit => ({ policy, key, cost });

  readonly spend = async (policy: Policy, { cost = 1 } = {}) => {
    const [decision] = await this.store.consume([this.hit(policy, { cost })]);
    return decision!;
  };

  readonly look = (policy: Policy) => this.spend(policy, { cost: 0 });
}
