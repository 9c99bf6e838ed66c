import { RateLimitError } from '../errors.js';
import type { Policy } from '../policy.js';
import type { RateLimitStore } from '../store.js';

/** A caller that a policy blocks now. */
export interface BlockedCaller {
  /** The key that is blocked; `undefined` for a long key, of which only a digest is stored. */
  readonly key: string | undefined;
  /** The digest, if the key is not known. */
  readonly digest?: string;
  /** How much longer the block lasts, in milliseconds. */
  readonly blockedFor: number;
  /** `local`: the block stands in this process only, while the store does not answer. */
  readonly by: 'store' | 'local';
}

/** A store that can list the callers that a policy blocks. Every sentence here is a test of `blockListConformance`. */
export interface BlockListingStore extends RateLimitStore {
  /**
   * The callers that a policy blocks now, in no particular order. Blocks that are over are left out. A policy in shadow has
   * blocks of its own.
   *
   * A caller may be listed twice, and one whose block begins during the loop may be missing. Only a page of callers is in
   * memory, and nothing more is read after the loop is left.
   *
   * @param policy one with `blockFor`
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_BLOCK_OFF`, with the first caller that is asked for
   * @throws StoreUnavailableError when the store does not answer in time, also in the middle of the list
   */
  blocked(policy: Policy): AsyncIterable<BlockedCaller>;
}

/** @throws RateLimitError `RL_STORE_WITHOUT_BLOCKS` */
export function listing(store: RateLimitStore): BlockListingStore {
  if (typeof (store as Partial<BlockListingStore>).blocked === 'function') return store as BlockListingStore;
  throw new RateLimitError(
    'RL_STORE_WITHOUT_BLOCKS',
    'blocked() needs a store with blocked(), which your store lacks; implement BlockListingStore',
  );
}
