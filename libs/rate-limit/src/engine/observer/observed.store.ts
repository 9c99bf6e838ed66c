import { after } from '../../core/after.js';
import { type RateLimitStore } from '../../core/store.js';
import { listing, type BlockedCaller, type BlockListingStore } from '../../core/blocks/blocked-caller.js';
import { blocking, type BlockingStore } from '../../core/blocks/blocking-store.js';
import { holding, type Held, type HoldingStore, type OpenHold } from '../../core/holds/holding-store.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import { nearLimitOf } from './near-limit.js';
import type { SafeObserver } from './safe-observer.js';

/** Reports every decision of the inner store. It is the outermost wrapper, and used only if somebody listens. */
export class ObservedStore implements BlockingStore, BlockListingStore, HoldingStore {
  constructor(
    private readonly inner: RateLimitStore,
    private readonly observer: Pick<SafeObserver, 'judged' | 'nearLimit'>,
  ) {}

  consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]> {
    const began = performance.now();
    return after(this.inner.consume(hits), (decisions) => {
      const { judged, nearLimit } = this.observer;
      if (hits.length > 0) judged?.(hits, decisions, performance.now() - began);
      if (nearLimit) for (const event of nearLimitOf(hits, decisions)) nearLimit(event);
      return decisions;
    });
  }

  reset(policy: Policy, key: string): Promise<void> {
    return this.inner.reset(policy, key);
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
