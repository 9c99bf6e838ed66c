import { algorithmOf } from '../../core/algorithms/index.js';
import { blockLifetime, imposed, type BlockState } from '../../core/blocks/block.js';
import type { Clock } from '../../core/clock.js';
import type { Decision } from '../../core/decision.js';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { checkHits, mergingHits, type Hit } from '../../core/hit.js';
import { judgeAll } from '../../core/judge-all.js';
import type { Policy } from '../../core/policy.js';
import { checkBlock, type BlockingStore } from '../../core/blocks/blocking-store.js';
import { keptKey } from '../long-key.js';
import { BoundedMap } from './bounded-map.js';

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
export class MemoryStore implements BlockingStore {
  /** The states of quotas and of blocks. */
  private readonly states: BoundedMap<unknown>;
  private readonly now: Clock;

  /** @throws RateLimitError `RL_MAX_KEYS_INVALID` */
  constructor({ now = Date.now, maxKeys = 100_000 }: MemoryStoreOptions = {}) {
    if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) {
      throw new RateLimitError(
        'RL_MAX_KEYS_INVALID',
        `maxKeys must be a whole number, at least 1, got ${shown(maxKeys)}`,
      );
    }
    this.now = now;
    this.states = new BoundedMap(maxKeys);
  }

  /** How many keys are kept now. */
  get size(): number {
    return this.states.size;
  }

  /**
   * Charges all hits or none. It always answers, and without a promise.
   *
   * @throws RateLimitError `RL_HIT_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_COST_INVALID`
   */
  consume(hits: readonly Hit[]): Decision[] {
    checkHits(hits);
    return mergingHits(hits, (merged) => this.judge(merged));
  }

  /**
   * Makes the quota full again, and ends its block.
   *
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   */
  async reset(policy: Policy, key: string): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    this.states.delete(idOf(policy, key));
    if (policy.blocks) this.states.delete(blockIdOf(policy, key));
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
    this.judge([{ policy, key, cost: 0 }]);
    this.keepBlock(policy, key, imposed(rule, this.blockOf(policy, key), span, now), now);
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
    this.states.delete(blockIdOf(policy, key));
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
    const lifetime = state === undefined ? 0 : algorithm.lifetime(policy, state, now);
    if (lifetime <= 0) return;
    const id = idOf(policy, key);
    const entry = this.states.get(id);
    const left = (known: unknown): number => algorithm.judge(policy, known, 0, now).remaining;
    if (!entry || left(state) < left(entry.value)) this.states.set(id, entry, state, now + lifetime, now);
  }

  /**
   * Takes over another store's last answer about a block.
   *
   * @param left how much longer it lasts; 0: there is no block
   *
   * @internal
   */
  recallBlock(policy: Policy, key: string, left: number): void {
    if (left === 0 && this.states.size === 0) return;
    const now = Math.floor(this.now());
    if (left > 0) this.keepBlock(policy, key, { start: now, span: left, step: 1 }, now);
    else this.states.delete(blockIdOf(policy, key));
  }

  private judge(hits: readonly Hit[]): Decision[] {
    const now = Math.floor(this.now());
    const claims = hits.map(({ policy, key, cost }) => {
      const id = idOf(policy, key);
      const entry = this.states.get(id);
      const block = policy.blocks && this.blockOf(policy, key);
      return { policy, cost, state: entry?.value, block, id, entry };
    });
    return judgeAll(claims, now).map(({ decision, state, block }, i) => {
      const { policy, id, entry } = claims[i]!;
      if (state === undefined) this.states.delete(id);
      else {
        const isUnchanged = state === entry?.value;
        const expiresAt = isUnchanged ? undefined : now + algorithmOf(policy.algorithm).lifetime(policy, state, now);
        this.states.set(id, entry, state, expiresAt, now);
      }
      if (block) this.keepBlock(policy, hits[i]!.key, block, now);
      return decision;
    });
  }

  private blockOf(policy: Policy, key: string): BlockState | undefined {
    return this.states.get(blockIdOf(policy, key))?.value as BlockState | undefined;
  }

  private keepBlock(policy: Policy, key: string, state: BlockState, now: number): void {
    const id = blockIdOf(policy, key);
    this.states.set(id, this.states.get(id), state, now + blockLifetime(policy.blocks!, state, now), now);
  }
}

/** No policy's id contains a NUL, so two pairs never give the same id. */
const idOf = (policy: Policy, key: string): string => `${policy.id}\0${keptKey(key)}`;

/** No policy's id ends like this. */
const blockIdOf = (policy: Policy, key: string): string => `${policy.id}:block\0${keptKey(key)}`;
