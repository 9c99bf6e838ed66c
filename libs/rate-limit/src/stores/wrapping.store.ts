import { listing, type BlockedCaller, type BlockListingStore } from '../core/blocks/blocked-caller.js';
import { blocking, type BlockingStore } from '../core/blocks/blocking-store.js';
import type { Decision } from '../core/decision.js';
import type { Hit } from '../core/hit.js';
import { holding, type Held, type HoldingStore, type OpenHold } from '../core/holds/holding-store.js';
import type { Policy } from '../core/policy.js';
import type { RateLimitStore } from '../core/store.js';

/** A store around another one. Calls that it does not change go to the inner store, which may lack their method. */
export abstract class WrappingStore implements BlockingStore, BlockListingStore, HoldingStore {
  constructor(protected readonly inner: RateLimitStore) {}

  abstract consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]>;

  async reset(policy: Policy, key: string): Promise<void> {
    await this.inner.reset(policy, key);
  }

  async block(policy: Policy, key: string, span: number): Promise<void> {
    await blocking(this.inner).block(policy, key, span);
  }

  async unblock(policy: Policy, key: string): Promise<void> {
    await blocking(this.inner).unblock(policy, key);
  }

  blocked(policy: Policy): AsyncIterable<BlockedCaller> {
    return listing(this.inner).blocked(policy);
  }

  async settle(held: Held, cost: number): Promise<boolean> {
    return holding(this.inner).settle(held, cost);
  }

  async renew(held: Held, ttl: number): Promise<boolean> {
    return holding(this.inner).renew(held, ttl);
  }

  async holds(policy: Policy, key: string): Promise<OpenHold[]> {
    return holding(this.inner).holds(policy, key);
  }
}
