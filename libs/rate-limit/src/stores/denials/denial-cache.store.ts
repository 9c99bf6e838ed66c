import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import { blocking, type BlockingStore } from '../../core/blocks/blocking-store.js';
import type { RateLimitStore } from '../../core/store.js';
import { RememberedDenials } from './remembered-denials.js';

export interface DenialCacheOptions {
  /** How long a denial is remembered at most, in milliseconds. Default 1,000. */
  maxAge?: number;
  /** The most denials and states that are kept; the oldest are dropped first. Default 30,000 (about 20 MB). */
  maxEntries?: number;
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  now?: () => number;
}

/**
 * Remembers requests that are certain to be denied for a while, and denies them again without asking the inner store:
 * a flood costs that store nothing. It remembers only what the inner store itself denied, counted from the moment of
 * sending, and only until the first number of the answer would change. So no caller is denied longer than without it.
 *
 * A give-back, reset or charge by this process takes effect at once; one by another process after `maxAge` at most.
 */
export class DenialCacheStore implements BlockingStore {
  private readonly denials: RememberedDenials;
  private readonly maxAge: number;
  private readonly now: () => number;

  constructor(
    private readonly inner: RateLimitStore,
    { maxAge = 1_000, maxEntries = 30_000, now = () => performance.now() }: DenialCacheOptions = {},
  ) {
    this.denials = new RememberedDenials(maxAge, maxEntries);
    this.maxAge = maxAge;
    this.now = now;
  }

  /** How many denials and states are kept now. */
  get size(): number {
    return this.denials.size;
  }

  /** Not async: an admitted request would pay for another promise. */
  consume(hits: readonly Hit[]): Promise<Decision[]> {
    // The inner store says what is wrong.
    if (!Array.isArray(hits)) return this.inner.consume(hits);
    const sentAt = this.now();
    const known = this.denials.size > 0 ? this.denials.find(hits, sentAt) : undefined;
    if (known) return Promise.resolve(aged(known.decisions, sentAt - known.answeredAt));
    if (hits.some(givesBack)) return this.givingBack(hits, () => this.inner.consume(hits));

    const sentAfter = this.denials.changes;
    const answered = (decisions: Decision[]): Decision[] => {
      if (isDenial(decisions)) {
        const until = sentAt + Math.min(this.maxAge, unchangedFor(hits, decisions));
        this.denials.add({ hits, decisions, sentAfter, answeredAt: this.now(), until });
      } else if (this.denials.size > 0) {
        this.denials.charged(hits, this.now());
      }
      return decisions;
    };
    return this.inner.consume(hits).then(answered, (error: unknown) => {
      // The store may have charged it even so.
      if (this.denials.size > 0) this.denials.charged(hits, this.now());
      throw error;
    });
  }

  reset(policy: Policy, key: string): Promise<void> {
    return this.givingBack([{ policy, key, cost: 0 }], () => this.inner.reset(policy, key));
  }

  block(policy: Policy, key: string, span: number): Promise<void> {
    return this.givingBack([{ policy, key, cost: 0 }], () => blocking(this.inner).block(policy, key, span));
  }

  unblock(policy: Policy, key: string): Promise<void> {
    return this.givingBack([{ policy, key, cost: 0 }], () => blocking(this.inner).unblock(policy, key));
  }

  /** Also when `give` fails: the store may have done it even so. */
  private async givingBack<T>(hits: readonly Hit[], give: () => Promise<T>): Promise<T> {
    const states = this.denials.suspend(hits);
    try {
      return await give();
    } finally {
      this.denials.resume(states, this.now());
    }
  }
}

const givesBack = (hit: Hit): boolean => typeof hit?.cost === 'number' && hit.cost < 0;

/** Whether a hit was denied, and the store itself judged all of them. */
const isDenial = (decisions: readonly Decision[]): boolean =>
  decisions.some(({ allowed }) => !allowed) && decisions.every(({ by }) => by === 'store');

/**
 * How long until the first number of the answer changes. The store judges by whole milliseconds, so that may be one
 * sooner. Negative where every denial changes the answer: it extends a block.
 */
function unchangedFor(hits: readonly Hit[], decisions: readonly Decision[]): number {
  let least = Infinity;
  for (let i = 0; i < decisions.length; i++) {
    const { resetAfter, retryAfter, blockedFor = 0 } = decisions[i]!;
    if (resetAfter > 0) least = Math.min(least, resetAfter);
    if (retryAfter > 0) least = Math.min(least, retryAfter);
    if (blockedFor === 0) continue;
    least = hits[i]!.policy.blocks?.extend ? 0 : Math.min(least, blockedFor);
  }
  return least - 1;
}

/** Waits count from the store's answer, not from the request: a caller that waits this long has waited long enough. */
const aged = (decisions: readonly Decision[], age: number): Decision[] =>
  decisions.map((decision) => ({
    ...decision,
    by: 'remembered' as const,
    resetAfter: left(decision.resetAfter, age),
    retryAfter: left(decision.retryAfter, age),
    ...(decision.blockedFor !== undefined && { blockedFor: left(decision.blockedFor, age) }),
  }));

const left = (span: number, age: number): number => (span > 0 ? Math.ceil(span - age) : span);
