import { algorithmOf } from '../core/algorithms/index.js';
import type { BlockedCaller, BlockListingStore } from '../core/blocks/blocked-caller.js';
import { checkBlock, type BlockingStore } from '../core/blocks/blocking-store.js';
import {
  checkRenewal,
  checkSettlement,
  type Held,
  type HoldingStore,
  type OpenHold,
} from '../core/holds/holding-store.js';
import type { Decision } from '../core/decision.js';
import { checkHits, type Hit } from '../core/hit.js';
import type { Policy } from '../core/policy.js';

/** Keeps nothing and admits everything: every quota is full, always. What a call gets wrong is still an error. */
export class UnlimitedStore implements BlockingStore, BlockListingStore, HoldingStore {
  consume(hits: readonly Hit[]): Decision[] {
    checkHits(hits);
    return hits.map(({ policy }) => {
      const { remaining } = algorithmOf(policy.algorithm).judge(policy, undefined, 0, 0);
      return { allowed: true, limit: policy.limit, remaining, resetAfter: 0, retryAfter: 0, by: 'open' };
    });
  }

  async reset(): Promise<void> {}

  async block(policy: Policy, _key: string, span: number): Promise<void> {
    checkBlock(policy, span);
  }

  async unblock(policy: Policy): Promise<void> {
    checkBlock(policy);
  }

  async *blocked(policy: Policy): AsyncGenerator<BlockedCaller, void, undefined> {
    checkBlock(policy);
  }

  async settle(held: Held, cost: number): Promise<boolean> {
    checkSettlement(held, cost);
    return true;
  }

  async renew(held: Held, ttl: number): Promise<boolean> {
    checkRenewal(held, ttl);
    return true;
  }

  async holds(): Promise<OpenHold[]> {
    return [];
  }
}
