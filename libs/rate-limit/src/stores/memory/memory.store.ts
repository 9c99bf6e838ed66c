import { algorithmOf } from '../../core/algorithms/index.js';
import { imposed, standing } from '../../core/blocks/block.js';
import type { BlockedCaller, BlockListingStore } from '../../core/blocks/blocked-caller.js';
import { checkBlock, type BlockingStore } from '../../core/blocks/blocking-store.js';
import {
  checkRenewal,
  checkSettlement,
  MOST_LISTED,
  type Held,
  type HoldingStore,
  type OpenHold,
} from '../../core/holds/holding-store.js';
import type { Clock } from '../../core/clock.js';
import type { Decision } from '../../core/decision.js';
import { RateLimitError } from '../../core/errors.js';
import { checkHits, type Hit } from '../../core/hit.js';
import { mergingHits } from '../../core/merging-hits.js';
import type { StoreReports } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';
import { shown } from '../../core/shown.js';
import { keyOfKept } from '../long-key.js';
import { KeptQuotas } from './kept-quotas.js';

/** What a {@link MemoryStore} takes. */
export interface MemoryStoreOptions {
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: Clock;
  /** The most keys kept. To make room, expired keys are removed first, then the least recently used. Default 100,000. */
  maxKeys?: number;
}

/** What another store last answered about a quota. */
export interface LastAnswer {
  /** Units of the burst that were spent. */
  used: number;
  /** How long from `at` until more became available, in milliseconds. */
  resetAfter: number;
  /** When the answer came, in milliseconds since the epoch. */
  at: number;
}

/**
 * Keeps quota in this process: for a single instance, for tests, and while Redis is away. It has no timers, so it never
 * keeps a process alive.
 */
export class MemoryStore implements BlockingStore, BlockListingStore, HoldingStore {
  private readonly kept: KeptQuotas;
  private readonly now: Clock;

  /**
   * @param reports for the limiter that opens it
   * @throws RateLimitError `RL_MAX_KEYS_INVALID`
   */
  constructor({ now = Date.now, maxKeys = 100_000 }: MemoryStoreOptions = {}, reports: StoreReports = {}) {
    if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) {
      throw new RateLimitError(
        'RL_MAX_KEYS_INVALID',
        `maxKeys must be a whole number, at least 1, got ${shown(maxKeys)}`,
      );
    }
    this.now = now;
    this.kept = new KeptQuotas(maxKeys, reports.blocked);
  }

  /** How many keys are kept now. */
  get size(): number {
    return this.kept.size;
  }

  /**
   * Charges all hits or none. It always answers, and without a promise.
   *
   * @throws RateLimitError `RL_HIT_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_COST_INVALID`, `RL_HOLD_INVALID`,
   *   `RL_PATIENCE_INVALID`
   */
  consume(hits: readonly Hit[]): Decision[] {
    checkHits(hits);
    const now = Math.floor(this.now());
    if (hits.length === 1) return [this.kept.judgeOne(hits[0]!, now)];
    return mergingHits(hits, (merged) => this.kept.judgeAll(merged, now));
  }

  /**
   * Makes the quota full again, and ends its block and its holds.
   *
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   */
  async reset(policy: Policy, key: string): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    this.kept.deleteState(policy, key);
    if (policy.blocks) this.kept.deleteBlocks(policy, key);
  }

  /**
   * Blocks a key from now on. This replaces a block that it already has.
   *
   * @param policy one with `blockFor`
   * @param span in milliseconds; 0 ends a block as {@link unblock} does
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_BLOCK_OFF`, `RL_BLOCK_INVALID`
   */
  async block(policy: Policy, key: string, span: number): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    const rule = checkBlock(policy, span);
    if (span === 0) return this.unblock(policy, key);
    const now = Math.floor(this.now());
    // Redis looks at the quota too when it blocks, and so moves a state from far ahead to now.
    this.kept.judgeOne({ policy, key, cost: 0 }, now);
    this.kept.setBlock(policy, key, imposed(rule, this.kept.blockOf(policy, key), span, now), now);
  }

  /**
   * Ends a block; the next one starts with the first span again. The quota stays as it is.
   *
   * @param policy one with `blockFor`
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_BLOCK_OFF`
   */
  async unblock(policy: Policy, key: string): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    checkBlock(policy);
    this.kept.deleteBlock(policy, key);
  }

  /**
   * The callers that a policy blocks now.
   *
   * @param policy one with `blockFor`
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_BLOCK_OFF`
   */
  async *blocked(policy: Policy): AsyncGenerator<BlockedCaller, void, undefined> {
    checkHits([{ policy, key: '', cost: 0 }]);
    checkBlock(policy);
    for (const [kept, block] of this.kept.blocksOf(policy)) {
      const { left } = standing(block, Math.floor(this.now()));
      const key = keyOfKept(kept);
      if (left > 0) yield { key, ...(key === undefined && { digest: kept.trim() }), blockedFor: left, by: 'store' };
    }
  }

  /**
   * Settles a hold: its charge becomes final, as if its hit had cost `cost`.
   *
   * @returns whether it was open until now; otherwise nothing changes
   * @throws RateLimitError `RL_COST_INVALID`, `RL_HOLD_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   */
  async settle(held: Held, cost: number): Promise<boolean> {
    checkSettlement(held, cost);
    return this.kept.settle(held.policy, held.key, held.id, cost, Math.floor(this.now()));
  }

  /**
   * Lets an open hold last for another `ttl` milliseconds from now on.
   *
   * @returns whether it is open
   * @throws RateLimitError `RL_HOLD_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   */
  async renew(held: Held, ttl: number): Promise<boolean> {
    checkRenewal(held, ttl);
    return this.kept.renew(held.policy, held.key, held.id, ttl, Math.floor(this.now()));
  }

  /**
   * The open holds of a policy and key, at most 1,000 of them.
   *
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   */
  async holds(policy: Policy, key: string): Promise<OpenHold[]> {
    checkHits([{ policy, key, cost: 0 }]);
    const now = Math.floor(this.now());
    return [...this.kept.holdsOf(policy, key)]
      .filter(([, { expires }]) => expires > now)
      .slice(0, MOST_LISTED)
      .map(([id, { cost, expires }]) => ({ id, cost, expiresIn: expires - now }));
  }

  /**
   * Takes over another store's last answer about a quota, unless less is left of the quota here.
   *
   * @internal
   */
  recall(policy: Policy, key: string, { used, resetAfter, at }: LastAnswer): void {
    const algorithm = algorithmOf(policy.algorithm);
    const state = algorithm.recalled(policy, used, resetAfter, at);
    const now = Math.floor(this.now());
    if (state === undefined || algorithm.lifetime(policy, state, now) <= 0) return;
    const left = (known: unknown): number => algorithm.judge(policy, known, 0, now).remaining;
    const known = this.kept.stateOf(policy, key);
    if (known === undefined || left(state) < left(known)) this.kept.setState(policy, key, state, now);
  }

  /**
   * Takes over another store's last answer about a block.
   *
   * @param left how much longer it lasts; 0: there is no block
   *
   * @internal
   */
  recallBlock(policy: Policy, key: string, left: number): void {
    if (left === 0 && this.size === 0) return;
    const now = Math.floor(this.now());
    if (left > 0) this.kept.setBlock(policy, key, { start: now, span: left, step: 1 }, now);
    else this.kept.deleteBlock(policy, key);
  }
}
