import { RateLimitError } from '../errors.js';
import type { Policy } from '../policy.js';
import type { RateLimitStore } from '../store.js';
import type { BlockRule } from './block.js';
import { spanOf } from './block-rule.js';

/**
 * A store that can block: who goes over under a policy with `blockFor`, and whomever code names. A policy without
 * `blockFor` is not concerned. Every sentence here is a test of `blockConformance`.
 *
 * - A denial by a policy's own quota blocks its key, for the span that `blockFor` says; a denial for good
 *   (`retryAfter` -1) does not, nor one by a policy beside it.
 * - Under a block nothing is remaining and every cost above 0 is denied, until the later of its end and the quota's own
 *   wait. Looking and giving back pass, and the quota itself goes on as if there were no block.
 * - A denial by a block does not prolong it, unless `extend` says so.
 * - Of several spans each further going-over takes the next one, until nobody went over for `forgetAfter`.
 * - Every decision says how long a block stands (`blockedFor`).
 */
export interface BlockingStore extends RateLimitStore {
  /**
   * Blocks from now on, in place of a block that stands.
   *
   * @param policy one with `blockFor`
   * @param span in milliseconds; 0 ends a block as {@link unblock} does
   */
  block(policy: Policy, key: string, span: number): Promise<void>;

  /** Ends a block and forgets the steps; the quota stays as it is. */
  unblock(policy: Policy, key: string): Promise<void>;
}

export const isBlocking = (store: RateLimitStore): store is BlockingStore =>
  typeof (store as Partial<BlockingStore>).block === 'function' &&
  typeof (store as Partial<BlockingStore>).unblock === 'function';

/** @throws RateLimitError `RL_STORE_WITHOUT_BLOCKS` */
export function blocking(store: RateLimitStore): BlockingStore {
  if (isBlocking(store)) return store;
  throw withoutBlocks();
}

export const withoutBlocks = (): RateLimitError =>
  new RateLimitError(
    'RL_STORE_WITHOUT_BLOCKS',
    'blockFor needs a store with block() and unblock(), which yours has not; leave blockFor out, or make it a BlockingStore',
  );

/**
 * Refuses what cannot be blocked. A store calls it first.
 *
 * @throws RateLimitError `RL_BLOCK_OFF` without `blockFor`, `RL_BLOCK_INVALID` for a span that is none
 */
export function checkBlock(policy: Policy, span = 0): BlockRule {
  if (!policy.blocks) {
    throw new RateLimitError(
      'RL_BLOCK_OFF',
      `${policy.name} has no blockFor, so nobody looks for a block; give it one, 0 to block by code alone`,
    );
  }
  spanOf(span);
  return policy.blocks;
}
