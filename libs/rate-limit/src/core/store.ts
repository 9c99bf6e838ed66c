import type { Decision } from './decision.js';
import type { Hit } from './hit.js';
import type { Policy } from './policy.js';

/**
 * Where quota is kept. Every sentence here is a test of the conformance suite
 * (`import { storeConformance } from 'nestjs-redis-rate-limit/conformance'`), which any implementation can run.
 *
 * - All hits are judged together, at one moment: either all are charged, or none is. A denied request changes nothing,
 *   and says so: its hits that would have passed are `allowed` and report their untouched quota.
 * - Decisions come back in the order of the hits. Without hits there are no decisions.
 * - The same policy and key twice in one request is one hit with the costs added.
 * - Cost 0 is always allowed and changes nothing. A negative cost gives back, never above full.
 * - A policy that is defined again with another limit or burst keeps what has been used.
 * - A malformed hit fails with a `RateLimitError` before anything is charged.
 * - A store that cannot answer in time fails with `StoreUnavailableError`, and with nothing else.
 * - `consume` answers with a list, or with a promise of one. It throws or rejects. `reset` always returns a promise.
 */
export interface RateLimitStore {
  /**
   * Charges the hits of one request, all or none.
   *
   * A store that knows the answer at once may return it without a promise, and throw. So await the answer: it need not
   * have a `then`.
   *
   * @param hits the caller must not change them before the answer: wrappers read them again then
   * @returns a decision for each hit, in their order
   * @throws RateLimitError for a malformed hit: `RL_HIT_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`,
   *   `RL_COST_INVALID`
   * @throws StoreUnavailableError when there is no answer in time; it may have charged even so
   */
  consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]>;

  /**
   * Makes the quota of a policy and key full again, and ends its block.
   *
   * @throws RateLimitError and StoreUnavailableError, as {@link consume} does
   */
  reset(policy: Policy, key: string): Promise<void>;
}
