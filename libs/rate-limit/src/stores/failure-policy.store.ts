import type { Decision } from '../core/decision.js';
import { isStoreUnavailable, type StoreUnavailableError } from '../core/errors.js';
import type { Hit } from '../core/hit.js';
import { shareOf, type Policy, type StoreFailureMode } from '../core/policy.js';
import type { RateLimitStore } from '../core/store.js';
import { CircuitBreaker } from './circuit-breaker.js';

export interface FailurePolicy {
  /** For policies that say nothing themselves. */
  mode: StoreFailureMode;
  /** Judges `local` policies meanwhile. */
  local: RateLimitStore;
  /** How many instances share a quota: each admits so much less by itself. Default 1. */
  instances?: number | undefined;
  /** Hears when the store stops answering, and when it answers again (`undefined`). Once each time. */
  changed(failure: StoreUnavailableError | undefined): void;
}

/** How long nothing may fail before the store is said to answer again: one that wavers is not told of at every turn. */
const CALM = 1_000;

/**
 * Answers when the store inside cannot, as each policy asks. One `closed` policy closes the request: it rejects with
 * the store's own error. No request mixes a charge in the store with a local one. A store that keeps failing is asked
 * only now and then, and who does not ask does not wait.
 */
export class FailurePolicyStore implements RateLimitStore {
  /** What the store failed with last, while it does. */
  private failure: StoreUnavailableError | undefined;
  private lastFailure = 0;
  private readonly shares = new WeakMap<Policy, Policy>();

  constructor(
    private readonly inner: RateLimitStore,
    private readonly policy: FailurePolicy,
    private readonly breaker = new CircuitBreaker(),
  ) {}

  async consume(hits: readonly Hit[]): Promise<Decision[]> {
    if (this.failure && !this.breaker.mayAsk()) return this.without(this.failure, hits);
    try {
      const decisions = await this.inner.consume(hits);
      if (this.failure) this.recover();
      return decisions;
    } catch (error) {
      if (!isStoreUnavailable(error)) {
        this.breaker.untried();
        throw error;
      }
      this.fail(error);
      return this.without(error, hits);
    }
  }

  async reset(policy: Policy, key: string): Promise<void> {
    await this.policy.local.reset(policy, key);
    await this.inner.reset(policy, key);
  }

  private async without(failure: StoreUnavailableError, hits: readonly Hit[]): Promise<Decision[]> {
    if (hits.some((hit) => this.modeOf(hit) === 'closed')) throw failure;
    const own = hits.filter((hit) => this.modeOf(hit) === 'local');
    const judged = await this.policy.local.consume(own.map((hit) => ({ ...hit, policy: this.shareOf(hit.policy) })));
    let next = 0;
    return hits.map((hit) => (this.modeOf(hit) === 'local' ? { ...judged[next++]!, degraded: true } : admitted(hit)));
  }

  private shareOf(policy: Policy): Policy {
    const { instances = 1 } = this.policy;
    if (instances === 1) return policy;
    let share = this.shares.get(policy);
    if (!share) this.shares.set(policy, (share = shareOf(policy, instances)));
    return share;
  }

  private modeOf({ policy }: Hit): StoreFailureMode {
    return policy.onStoreFailure ?? this.policy.mode;
  }

  private fail(error: StoreUnavailableError): void {
    this.breaker.failed();
    this.lastFailure = performance.now();
    if (!this.failure) this.policy.changed(error);
    this.failure = error;
  }

  private recover(): void {
    this.breaker.answered();
    if (performance.now() - this.lastFailure <= CALM) return;
    this.failure = undefined;
    this.policy.changed(undefined);
  }
}

/** Admitted, but by a limit of 0: that denies everything, and needs no store to know it. */
const admitted = ({ policy: { limit }, cost }: Hit): Decision => ({
  allowed: limit > 0 || cost <= 0,
  limit,
  remaining: limit,
  resetAfter: 0,
  retryAfter: limit > 0 || cost <= 0 ? 0 : -1,
  degraded: true,
});
