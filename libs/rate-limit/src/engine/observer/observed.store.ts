import { after } from '../../core/after.js';
import { type RateLimitStore } from '../../core/store.js';
import { blocking, type BlockingStore } from '../../core/blocks/blocking-store.js';
import { holding, type Held, type HoldingStore, type OpenHold } from '../../core/holds/holding-store.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { DecisionEvent, DenialReason } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';

/** Reports every decision of the inner store. It is the outermost wrapper, and used only if an observer listens. */
export class ObservedStore implements BlockingStore, HoldingStore {
  constructor(
    private readonly inner: RateLimitStore,
    private readonly decided: (event: DecisionEvent) => void,
  ) {}

  consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]> {
    const began = performance.now();
    return after(this.inner.consume(hits), (decisions) => {
      const duration = performance.now() - began;
      let passed = true;
      for (let i = 0; i < decisions.length; i++) if (!decisions[i]!.allowed) passed = false;
      for (let i = 0; i < decisions.length; i++) this.decided(eventOf(hits[i]!, decisions[i]!, passed, duration));
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

/** A decision as it is reported. */
export const eventOf = (
  { policy, key, cost }: Hit,
  decision: Decision,
  passed: boolean,
  duration: number,
): DecisionEvent => ({
  policy: policy.name,
  key,
  cost,
  allowed: decision.allowed,
  passed,
  by: decision.by,
  reason: reasonOf(decision),
  remaining: decision.by === 'list' ? undefined : decision.remaining,
  retryAfter: decision.retryAfter,
  duration,
});

function reasonOf({ allowed, by, retryAfter, blockedFor }: Decision): DenialReason | undefined {
  if (allowed) return undefined;
  if (by === 'list') return 'list';
  if (retryAfter === -1) return 'never';
  return blockedFor === undefined ? 'limit' : 'blocked';
}
