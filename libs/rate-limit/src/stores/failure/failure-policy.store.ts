import { setImmediate as turn } from 'node:timers/promises';
import { ask } from '../../core/ask.js';
import type { Clock } from '../../core/clock.js';
import type { Decision } from '../../core/decision.js';
import { isStoreUnavailable, type StoreUnavailableError } from '../../core/errors.js';
import { checkHits, type Hit } from '../../core/hit.js';
import type { StoreReports } from '../../core/observer.js';
import { shareOf, type Policy, type StoreFailureMode } from '../../core/policy.js';
import { listing, type BlockedCaller, type BlockListingStore } from '../../core/blocks/blocked-caller.js';
import { blocking, checkBlock, type BlockingStore } from '../../core/blocks/blocking-store.js';
import { hasSlots } from '../../core/algorithms/index.js';
import { checkHeld, holding, type Held, type HoldingStore, type OpenHold } from '../../core/holds/holding-store.js';
import type { RateLimitStore } from '../../core/store.js';
import { LastAnswers } from './last-answers.js';
import { Outage, type OutageListener } from './outage.js';
import { MemoryStore } from '../memory/memory.store.js';

export interface FailurePolicy {
  /** For policies without an `onStoreFailure`. */
  mode: StoreFailureMode;
  /** How many instances share a quota. By itself each admits its share. Default 1. */
  instances?: number | undefined;
  observer: OutageListener & StoreReports;
  /** The clock, in milliseconds. Default `Date.now`. */
  now?: Clock;
}

/**
 * Answers when the inner store cannot, as each policy's `onStoreFailure` says. One `closed` policy closes the whole
 * request: it fails with the store's error. `local` policies are judged in this process's memory, starting from the
 * store's last answer about the quota. No request is charged partly in the store and partly here.
 *
 * What is held here is settled and renewed here, also when the store is back. `open` policies hold nothing meanwhile. A
 * settlement that the store does not answer fails, whatever the mode: it may be tried again.
 */
export class FailurePolicyStore implements BlockingStore, BlockListingStore, HoldingStore {
  private readonly local: MemoryStore;
  private readonly lastAnswers: LastAnswers;
  private readonly outage: Outage;
  private readonly shares = new WeakMap<Policy, Policy>();
  /** Until when something may be held in this process's memory, by the clock of that memory. */
  private holdsUntil = 0;
  private readonly now: Clock;

  constructor(
    private readonly inner: RateLimitStore,
    private readonly policy: FailurePolicy,
  ) {
    const { now = Date.now } = policy;
    this.now = now;
    this.local = new MemoryStore({ now }, { blocked: policy.observer.blocked });
    this.lastAnswers = new LastAnswers(now);
    this.outage = new Outage(policy.observer);
  }

  consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]> {
    return ask(
      this.inner,
      hits,
      (decisions) => {
        this.note(hits, decisions);
        this.outage.answered();
        return decisions;
      },
      (error) => {
        if (!isStoreUnavailable(error)) throw error;
        this.outage.failed(error);
        return this.without(error, hits);
      },
    );
  }

  async reset(policy: Policy, key: string): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    await this.andHere(
      () => this.inner.reset(policy, key),
      () => {
        this.lastAnswers.take(policy, key);
        return this.local.reset(policy, key);
      },
    );
  }

  async block(policy: Policy, key: string, span: number): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    checkBlock(policy, span);
    await this.andHere(
      () => blocking(this.inner).block(policy, key, span),
      () => this.local.block(policy, key, span),
    );
  }

  async unblock(policy: Policy, key: string): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    checkBlock(policy);
    await this.andHere(
      () => blocking(this.inner).unblock(policy, key),
      () => this.local.unblock(policy, key),
    );
  }

  /**
   * While the store does not answer, `local` policies are listed with the blocks of this process. A list that the
   * store began fails, because its rest is unknown.
   */
  async *blocked(policy: Policy): AsyncGenerator<BlockedCaller, void, undefined> {
    let isBegun = false;
    try {
      for await (const caller of listing(this.inner).blocked(policy)) {
        isBegun = true;
        yield caller;
      }
      this.outage.answered();
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
      this.outage.failed(error);
      if (isBegun || this.modeOf(policy) !== 'local') throw error;
      for await (const caller of this.local.blocked(policy)) yield { ...caller, by: 'local' };
    }
  }

  async settle(held: Held, cost: number): Promise<boolean> {
    if (this.mayHold() && (await this.local.settle(this.here(held), cost))) return true;
    const isSettled = await this.there((store) => store.settle(held, cost));
    // Otherwise the last answer would count units that came back.
    if (isSettled && held.units !== undefined) this.lastAnswers.correct(held.policy, held.key, cost - held.units);
    return isSettled;
  }

  async renew(held: Held, ttl: number): Promise<boolean> {
    if (this.mayHold() && (await this.local.renew(this.here(held), ttl))) {
      this.noteHeld(ttl);
      return true;
    }
    return this.there((store) => store.renew(held, ttl));
  }

  async holds(policy: Policy, key: string): Promise<OpenHold[]> {
    const there = await this.there((store) => store.holds(policy, key));
    return this.mayHold() ? [...there, ...(await this.local.holds(policy, key))] : there;
  }

  /** Asks the store about holds. Nothing can answer in its place. */
  private async there<T>(ask: (store: HoldingStore) => Promise<T>): Promise<T> {
    try {
      const answer = await ask(holding(this.inner));
      this.outage.answered();
      return answer;
    } catch (error) {
      if (isStoreUnavailable(error)) this.outage.failed(error);
      throw error;
    }
  }

  private mayHold(): boolean {
    return this.holdsUntil > 0 && this.now() < this.holdsUntil;
  }

  private noteHeld(ttl: number): void {
    this.holdsUntil = Math.max(this.holdsUntil, Math.floor(this.now()) + ttl);
  }

  private here(held: Held): Held {
    checkHeld(held);
    return { ...held, policy: this.shareOf(held.policy) };
  }

  /**
   * Does it in this process too, whether or not the store answered. Not earlier: an answer to an older request may
   * arrive together with this one's, and be noted after it.
   */
  private async andHere(there: () => Promise<void>, here: () => Promise<void>): Promise<void> {
    try {
      await there();
    } finally {
      await turn();
      await here();
    }
  }

  /** Under a block an answer says nothing about the quota, so the answer before it stays. */
  private note(hits: readonly Hit[], decisions: readonly Decision[]): void {
    for (let i = 0; i < hits.length; i++) {
      const { policy, key } = hits[i]!;
      if (this.modeOf(policy) !== 'local' || isOfSlots(policy)) continue;
      const { blockedFor = 0 } = decisions[i]!;
      if (policy.blocks) this.local.recallBlock(policy, key, blockedFor);
      if (blockedFor === 0) this.lastAnswers.note(hits[i]!, decisions[i]!);
    }
  }

  private without(failure: StoreUnavailableError, hits: readonly Hit[]): Decision[] {
    if (hits.some(({ policy }) => this.modeOf(policy) === 'closed')) throw failure;
    const own = hits.filter(({ policy }) => this.modeOf(policy) === 'local').map((hit) => this.hitHere(hit));
    for (const { hold } of own) if (hold) this.noteHeld(hold.ttl);
    const judged = this.local.consume(own);
    let next = 0;
    return hits.map((hit) => (this.modeOf(hit.policy) === 'local' ? locally(hit, judged[next++]!) : admitted(hit)));
  }

  /** The hit on this instance's share of the quota. The share starts with its part of what was left. */
  private hitHere(hit: Hit): Hit {
    const { instances = 1 } = this.policy;
    const { policy, key } = hit;
    const share = this.shareOf(policy);
    const answer = this.lastAnswers.take(policy, key);
    if (answer) {
      const rest = policy.burst - answer.used;
      const left = rest > 0 ? Math.max(1, Math.floor(rest / instances)) : 0;
      this.local.recall(share, key, { ...answer, used: share.burst - left });
    }
    return { ...hit, policy: share };
  }

  private shareOf(policy: Policy): Policy {
    const { instances = 1 } = this.policy;
    let share = this.shares.get(policy);
    if (!share) this.shares.set(policy, (share = instances === 1 ? policy : shareOf(policy, instances)));
    return share;
  }

  private modeOf({ onStoreFailure }: Policy): StoreFailureMode {
    return onStoreFailure ?? this.policy.mode;
  }
}

/** In milliseconds. It is unknown when the store will answer; a retry this late does not add to its load. */
const LATER = 1_000;

/** A cost above this instance's share but within the quota can pass once the store is back and no block lasts. */
function locally({ policy, cost }: Hit, decision: Decision): Decision {
  const isTooMuchHere = decision.retryAfter === -1 && policy.limit > 0 && cost <= policy.burst;
  const retryAfter = isTooMuchHere ? Math.max(LATER, decision.blockedFor ?? 0) : decision.retryAfter;
  return { ...decision, retryAfter, by: 'local' };
}

/** Admits the hit. A limit of 0 still denies everything: no store is needed to know that. */
function admitted({ policy: { limit, mode }, cost }: Hit): Decision {
  const allowed = limit > 0 || cost <= 0 || mode === 'record';
  return { allowed, limit, remaining: limit, resetAfter: 0, retryAfter: allowed ? 0 : -1, by: 'open' };
}

/** An answer under `concurrency` does not say which slots are taken, so nothing can be remembered of it. */
const isOfSlots = (policy: Policy): boolean => !policy.isPlain && hasSlots(policy);
