import { RateLimitError } from '../errors.js';
import type { Policy } from '../policy.js';
import type { RateLimitStore } from '../store.js';
import type { BlockRule } from './block.js';
import { spanOf } from './block-rule.js';

/**
 * A store that can block keys, under policies with `blockFor`: callers over the limit, and keys that code names. Other
 * policies are not affected. Every sentence here is a test of `blockConformance`.
 *
 * - A denial by a policy's own quota blocks its key, for the span in `blockFor`. A hit that can never pass
 *   (`retryAfter` -1) begins no block, nor does a denial by another policy of the request.
 * - Under a block `remaining` is 0 and every cost above 0 is denied, until both the block and the quota's own wait are
 *   over. Looking and giving back pass, and the quota itself goes on as if there were no block.
 * - A denial by a block does not extend it, unless the rule's `extend` is true.
 * - With several spans, each further block of a key takes the next span, until the key has had no block for
 *   `forgetAfter`.
 * - Every decision says how much longer a block lasts (`blockedFor`).
 */
export interface BlockingStore extends RateLimitStore {
  /**
   * Blocks a key from now on. This replaces a block that it already has.
   *
   * @param policy one with `blockFor`
   * @param span in milliseconds; 0 ends a block as {@link unblock} does
   */
  block(policy: Policy, key: string, span: number): Promise<void>;

  /** Ends a block; the next one starts with the first span again. The quota stays as it is. */
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
    'blockFor needs a store with block() and unblock(), which your store lacks; leave blockFor out, or implement BlockingStore',
  );

/**
 * Throws unless the policy has blocks and the span is valid. Every store calls this first.
 *
 * @throws RateLimitError `RL_BLOCK_OFF`, `RL_BLOCK_INVALID`
 */
export function checkBlock(policy: Policy, span = 0): BlockRule {
  if (!policy.blocks) {
    throw new RateLimitError(
      'RL_BLOCK_OFF',
      `${policy.name}: the policy has no blockFor, so a block would have no effect; add blockFor, or blockFor: 0 to block from code only`,
    );
  }
  spanOf(span);
  return policy.blocks;
}
