import { isPromise } from '../../core/after.js';
import { ask } from '../../core/ask.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import type { Held } from '../../core/holds/holding-store.js';
import type { RateLimitStore } from '../../core/store.js';
import { WrappingStore } from '../wrapping.store.js';
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
 * A give-back, settlement, reset or charge by this process takes effect at once. One by another process takes effect after
 * `maxAge` at most.
 */
export class DenialCacheStore extends WrappingStore {
  private readonly denials: RememberedDenials;
  private readonly maxAge: number;
  private readonly now: () => number;

  constructor(
    inner: RateLimitStore,
    { maxAge = 1_000, maxEntries = 30_000, now = () => performance.now() }: DenialCacheOptions = {},
  ) {
    super(inner);
    this.denials = new RememberedDenials(maxAge, maxEntries);
    this.maxAge = maxAge;
    this.now = now;
  }

  /** How many denials and states are kept now. */
  get size(): number {
    return this.denials.size;
  }

  consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]> {
    // The inner store says what is wrong.
    if (!Array.isArray(hits)) return this.inner.consume(hits);
    const sentAt = this.now();
    const known = this.denials.size > 0 ? this.denials.find(hits, sentAt) : undefined;
    if (known) return aged(known.decisions, sentAt - known.answeredAt);
    if (givesBack(hits)) return this.givingBack(hits, () => this.inner.consume(hits));

    const sentAfter = this.denials.changes;
    return ask(
      this.inner,
      hits,
      (decisions) => {
        if (isDenial(decisions)) {
          const until = sentAt + Math.min(this.maxAge, unchangedFor(hits, decisions));
          this.denials.add({ hits, decisions, sentAfter, answeredAt: this.now(), until });
        } else this.noteCharge(hits);
        return decisions;
      },
      (error) => {
        // The store may have charged it even so.
        this.noteCharge(hits);
        throw error;
      },
    );
  }

  override async reset(policy: Policy, key: string): Promise<void> {
    await this.givingBack([{ policy, key, cost: 0 }], () => super.reset(policy, key));
  }

  override async block(policy: Policy, key: string, span: number): Promise<void> {
    await this.givingBack([{ policy, key, cost: 0 }], () => super.block(policy, key, span));
  }

  override async unblock(policy: Policy, key: string): Promise<void> {
    await this.givingBack([{ policy, key, cost: 0 }], () => super.unblock(policy, key));
  }

  /** Units may come back, so denials of the policy and key end. */
  override async settle(held: Held, cost: number): Promise<boolean> {
    try {
      return await super.settle(held, cost);
    } finally {
      // Also when it failed: the store may have settled it even so.
      this.denials.settled(held);
    }
  }

  private noteCharge(hits: readonly Hit[]): void {
    if (this.denials.size > 0) this.denials.charged(hits, this.now());
  }

  /** Also when `give` fails: the store may have done it even so. */
  private givingBack<T>(hits: readonly Hit[], give: () => T | Promise<T>): T | Promise<T> {
    const states = this.denials.suspend(hits);
    const resume = () => this.denials.resume(states, this.now());
    let given: T | Promise<T>;
    try {
      given = give();
    } catch (error) {
      resume();
      throw error;
    }
    if (isPromise(given)) return Promise.resolve(given).finally(resume);
    resume();
    return given;
  }
}

/** Hits may be malformed here: the inner store refuses them. */
function givesBack(hits: readonly Hit[]): boolean {
  for (let i = 0; i < hits.length; i++) {
    const cost: unknown = hits[i]?.cost;
    if (typeof cost === 'number' && cost < 0) return true;
  }
  return false;
}

/** Whether a hit was denied, and the store itself judged all of them. */
function isDenial(decisions: readonly Decision[]): boolean {
  let isDenied = false;
  for (let i = 0; i < decisions.length; i++) {
    const { allowed, by } = decisions[i]!;
    if (by !== 'store') return false;
    if (!allowed) isDenied = true;
  }
  return isDenied;
}

/**
 * How long until the first number of the answer changes. The store judges by whole milliseconds, so that may be one
 * sooner. Negative where every denial changes the answer: it extends a block. And for a guess, which may be wrong at any
 * moment.
 */
function unchangedFor(hits: readonly Hit[], decisions: readonly Decision[]): number {
  let least = Infinity;
  for (let i = 0; i < decisions.length; i++) {
    const { resetAfter, retryAfter, blockedFor = 0, isGuess } = decisions[i]!;
    if (isGuess) return -1;
    if (resetAfter > 0) least = Math.min(least, resetAfter);
    // A hit with patience passes earlier by it.
    if (retryAfter > 0) least = Math.min(least, retryAfter - (hits[i]!.patience ?? 0));
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
