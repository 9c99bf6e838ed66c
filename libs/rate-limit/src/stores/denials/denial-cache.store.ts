import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import { blocking, type BlockingStore } from '../../core/blocks/blocking-store.js';
import type { RateLimitStore } from '../../core/store.js';
import { RememberedDenials } from './remembered-denials.js';

export interface DenialCacheOptions {
  /** How long a denial is remembered at most, in milliseconds. Default 1,000. */
  maxAge?: number;
  /** The most that is kept, denials and the states they rest on; the oldest go first. Default 30,000 (some 20 MB). */
  maxEntries?: number;
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  now?: () => number;
}

/**
 * Remembers which requests are surely denied for a while, and says so again without asking: a flood costs the store
 * inside nothing. Only what that store itself denied is remembered, from the moment of sending, and no longer than
 * until the first of its numbers would change; so nobody is denied longer than without it.
 *
 * What this process gives back, resets or charges is seen at once; what another one does, after `maxAge` at the latest.
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

  /** How many denials are kept now, and the states they rest on. */
  get size(): number {
    return this.denials.size;
  }

  /** Not async: what is admitted pays for every promise. */
  consume(hits: readonly Hit[]): Promise<Decision[]> {
    // The store inside says what is wrong.
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
      // It may have been charged all the same.
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

  /** It may have been done even when it failed. */
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

/** Some hit was denied, and all were judged by the store itself. */
const isDenial = (decisions: readonly Decision[]): boolean =>
  decisions.some(({ allowed }) => !allowed) && decisions.every(({ by }) => by === 'store');

/**
 * Until the first of the numbers changes. The store judges by whole milliseconds, so it may do so one sooner. Not at
 * all where each denial changes them: a block that is begun anew.
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

/** From the moment of answering, not of sending: who waits for as long as this says has waited long enough. */
const aged = (decisions: readonly Decision[], age: number): Decision[] =>
  decisions.map((decision) => ({
    ...decision,
    by: 'remembered' as const,
    resetAfter: left(decision.resetAfter, age),
    retryAfter: left(decision.retryAfter, age),
    ...(decision.blockedFor !== undefined && { blockedFor: left(decision.blockedFor, age) }),
  }));

const left = (span: number, age: number): number => (span > 0 ? Math.ceil(span - age) : span);
