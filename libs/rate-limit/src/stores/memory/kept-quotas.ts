import type { Algorithm } from '../../core/algorithm.js';
import { algorithmOf, hasSlots } from '../../core/algorithms/index.js';
import { blockLifetime, type BlockState } from '../../core/blocks/block.js';
import type { Decision } from '../../core/decision.js';
import { isPlain, type Hit } from '../../core/hit.js';
import type { HeldUnits, Holds } from '../../core/holds/held-units.js';
import {
  considersHolds,
  decisionOf,
  judgeAll,
  judgeOne,
  settleOne,
  type Claim,
  type Outcome,
} from '../../core/judge-all.js';
import { blockBegun } from '../../core/blocks/block-begun.js';
import type { StoreReports } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';
import { allBlocksIdsOf, blocksIdOf } from '../../core/shadow.js';
import { keptKey } from '../long-key.js';
import { EntriesInUse, type Entry } from './entries-in-use.js';
import { OpenHolds } from './open-holds.js';
import { Tables } from './tables.js';

/** A claim, and where its state and its block are kept. */
interface KeptClaim extends Claim {
  readonly key: string;
  readonly entry: Entry | undefined;
  readonly blocked: Entry<BlockState> | undefined;
}

const NO_HOLDS = new Map<string, HeldUnits>();

/** The states of quotas, blocks and holds: at most `maxKeys` of all together. */
export class KeptQuotas {
  private readonly entries: EntriesInUse;
  private readonly quotas: Tables<unknown>;
  private readonly blocks: Tables<BlockState>;
  private readonly holds: OpenHolds;

  /** @param blocked called when a block begins */
  constructor(
    maxKeys: number,
    private readonly blocked: StoreReports['blocked'],
  ) {
    this.entries = new EntriesInUse(maxKeys);
    this.quotas = new Tables(this.entries);
    this.blocks = new Tables(this.entries);
    this.holds = new OpenHolds(this.entries);
  }

  get size(): number {
    return this.entries.size;
  }

  /** Charges a request's only hit. Most requests have one, and they need no lists. */
  judgeOne(hit: Hit, now: number): Decision {
    if (!isPlain(hit)) {
      const claim = this.claimOf(hit, now);
      return this.kept(hit, claim, judgeOne(claim, now), now);
    }
    const { policy, cost } = hit;
    const key = keptKey(hit.key);
    const entry = this.quotas.get(policy.id, key);
    // Looked up once, because that takes as long as to judge.
    const algorithm = algorithmOf(policy.algorithm);
    const judgement = algorithm.judge(policy, entry?.value, cost, now);
    this.keep(policy, algorithm, key, entry, judgement.state, now);
    return decisionOf(policy, judgement);
  }

  /** Charges all hits of a request or none. No two of them may share a state. */
  judgeAll(hits: readonly Hit[], now: number): Decision[] {
    const claims = hits.map((hit) => this.claimOf(hit, now));
    return judgeAll(claims, now).map((outcome, i) => this.kept(hits[i]!, claims[i]!, outcome, now));
  }

  private claimOf({ policy, key: given, cost, hold, patience }: Hit, now: number): KeptClaim {
    const key = keptKey(given);
    const entry = this.quotas.get(policy.id, key);
    const blocked = policy.blocks && this.blocks.get(blocksIdOf(policy), key);
    if (hasSlots(policy)) this.holds.shorten(policy, key, now + policy.lease);
    const isConsidering = considersHolds({ policy, hold }) || hasSlots(policy);
    const holds = isConsidering ? this.holds.of(policy, key) : undefined;
    return { policy, cost, hold, patience, state: entry?.value, block: blocked?.value, holds, key, entry, blocked };
  }

  /** Keeps what a hit left. */
  private kept(hit: Hit, { policy, key, entry, blocked }: KeptClaim, outcome: Outcome, now: number): Decision {
    const { decision, state, block, begun, held, abandoned } = outcome;
    const { hold } = hit;
    this.keep(policy, algorithmOf(policy.algorithm), key, entry, state, now);
    this.keepBlock(policy, key, blocked, block, now);
    if (begun !== undefined) this.blocked?.(blockBegun(policy, hit.key, begun));
    for (const id of abandoned) this.holds.delete(policy, key, id);
    if (hold && held) this.holds.set(policy, key, hold.id, held, now);
    return decision;
  }

  /**
   * Settles a hold.
   *
   * @returns whether it was open
   */
  settle(policy: Policy, given: string, id: string, cost: number, now: number): boolean {
    const key = keptKey(given);
    const held = this.holds.of(policy, key)?.get(id);
    if (!held) return false;
    const isOpen = held.expires > now;
    this.holds.delete(policy, key, id);
    const algorithm = algorithmOf(policy.algorithm);
    if (algorithm.countsHolds || (!isOpen && held.keptUntil <= now)) return isOpen;
    // What an abandoned hold gives back, it gives back even if its request ends after all.
    const claim = { ...this.claimOf({ policy, key: given, cost: 0 }, now), holds: this.holds.of(policy, key) };
    const { state, block, begun } = settleOne(claim, held, isOpen ? cost : 0, now);
    this.keep(policy, algorithm, key, claim.entry, state, now);
    this.keepBlock(policy, key, claim.blocked, block, now);
    if (begun !== undefined) this.blocked?.(blockBegun(policy, given, begun));
    return isOpen;
  }

  /** @returns whether the hold is open */
  renew(policy: Policy, given: string, id: string, ttl: number, now: number): boolean {
    const key = keptKey(given);
    const held = this.holds.of(policy, key)?.get(id);
    if (!held || held.expires <= now) return false;
    const expires = now + ttl;
    this.holds.set(policy, key, id, { ...held, expires, keptUntil: expires + held.keptUntil - held.expires }, now);
    return true;
  }

  holdsOf(policy: Policy, key: string): Holds {
    return this.holds.of(policy, keptKey(key)) ?? NO_HOLDS;
  }

  /** The state of a quota; `undefined`: it is full. */
  stateOf(policy: Policy, key: string): unknown {
    return this.quotas.get(policy.id, keptKey(key))?.value;
  }

  setState(policy: Policy, key: string, state: unknown, now: number): void {
    const kept = keptKey(key);
    this.keep(policy, algorithmOf(policy.algorithm), kept, this.quotas.get(policy.id, kept), state, now);
  }

  blockOf(policy: Policy, key: string): BlockState | undefined {
    return this.blocks.get(blocksIdOf(policy), keptKey(key))?.value;
  }

  /** The blocks of a policy, as they are kept. They may change while this is read. */
  *blocksOf(policy: Policy): Generator<[key: string, block: BlockState], void, undefined> {
    for (const { key, value } of this.blocks.of(blocksIdOf(policy))) yield [key, value];
  }

  setBlock(policy: Policy, key: string, block: BlockState, now: number): void {
    const kept = keptKey(key);
    this.keepBlock(policy, kept, this.blocks.get(blocksIdOf(policy), kept), block, now);
  }

  deleteState(policy: Policy, key: string): void {
    this.quotas.delete(this.quotas.get(policy.id, keptKey(key)));
    this.holds.clear(policy, keptKey(key));
  }

  deleteBlock(policy: Policy, key: string): void {
    this.blocks.delete(this.blocks.get(blocksIdOf(policy), keptKey(key)));
  }

  /** Also those that began in another mode. */
  deleteBlocks({ id }: Policy, key: string): void {
    for (const blocks of allBlocksIdsOf(id)) this.blocks.delete(this.blocks.get(blocks, keptKey(key)));
  }

  /** A full quota needs no entry. */
  private keep(
    policy: Policy,
    algorithm: Algorithm<unknown>,
    key: string,
    entry: Entry | undefined,
    state: unknown,
    now: number,
  ): void {
    if (state === undefined) {
      this.quotas.delete(entry);
      return;
    }
    const isUnchanged = entry !== undefined && state === entry.value;
    const expiresAt = isUnchanged ? entry.expiresAt : now + algorithm.lifetime(policy, state, now);
    this.quotas.set(policy.id, key, entry, state, expiresAt, now);
  }

  private keepBlock(
    policy: Policy,
    key: string,
    entry: Entry<BlockState> | undefined,
    block: BlockState | undefined,
    now: number,
  ): void {
    if (!block) return;
    this.blocks.set(blocksIdOf(policy), key, entry, block, now + blockLifetime(policy.blocks!, block, now), now);
  }
}
