import type { Algorithm } from '../../core/algorithm.js';
import { algorithmOf } from '../../core/algorithms/index.js';
import { blockLifetime, type BlockState } from '../../core/blocks/block.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import { decisionOf, judgeAll, judgeOne } from '../../core/judge-all.js';
import type { Policy } from '../../core/policy.js';
import { keptKey } from '../long-key.js';
import { EntriesInUse, type Entry } from './entries-in-use.js';
import { Tables } from './tables.js';

/** The states of quotas and of blocks: at most `maxKeys` of both together. */
export class KeptQuotas {
  private readonly entries: EntriesInUse;
  private readonly quotas: Tables<unknown>;
  private readonly blocks: Tables<BlockState>;

  constructor(maxKeys: number) {
    this.entries = new EntriesInUse(maxKeys);
    this.quotas = new Tables(this.entries);
    this.blocks = new Tables(this.entries);
  }

  get size(): number {
    return this.entries.size;
  }

  /** Charges a request's only hit. Most requests have one, and they need no lists. */
  judgeOne({ policy, key: given, cost }: Hit, now: number): Decision {
    const key = keptKey(given);
    const entry = this.quotas.get(policy.id, key);
    // Looked up once, because that takes as long as to judge.
    const algorithm = algorithmOf(policy.algorithm);
    if (!policy.blocks) {
      const judgement = algorithm.judge(policy, entry?.value, cost, now);
      this.keep(policy, algorithm, key, entry, judgement.state, now);
      return decisionOf(policy, judgement);
    }
    const blocked = this.blocks.get(policy.id, key);
    const { decision, state, block } = judgeOne({ policy, cost, state: entry?.value, block: blocked?.value }, now);
    this.keep(policy, algorithm, key, entry, state, now);
    this.keepBlock(policy, key, blocked, block, now);
    return decision;
  }

  /** Charges all hits of a request or none. No two of them may share a state. */
  judgeAll(hits: readonly Hit[], now: number): Decision[] {
    const claims = hits.map(({ policy, key: given, cost }) => {
      const key = keptKey(given);
      const entry = this.quotas.get(policy.id, key);
      const blocked = policy.blocks && this.blocks.get(policy.id, key);
      return { policy, cost, state: entry?.value, block: blocked?.value, key, entry, blocked };
    });
    return judgeAll(claims, now).map(({ decision, state, block }, i) => {
      const { policy, key, entry, blocked } = claims[i]!;
      this.keep(policy, algorithmOf(policy.algorithm), key, entry, state, now);
      this.keepBlock(policy, key, blocked, block, now);
      return decision;
    });
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
    return this.blocks.get(policy.id, keptKey(key))?.value;
  }

  setBlock(policy: Policy, key: string, block: BlockState, now: number): void {
    const kept = keptKey(key);
    this.keepBlock(policy, kept, this.blocks.get(policy.id, kept), block, now);
  }

  deleteState(policy: Policy, key: string): void {
    this.quotas.delete(this.quotas.get(policy.id, keptKey(key)));
  }

  deleteBlock(policy: Policy, key: string): void {
    this.blocks.delete(this.blocks.get(policy.id, keptKey(key)));
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
    this.blocks.set(policy.id, key, entry, block, now + blockLifetime(policy.blocks!, block, now), now);
  }
}
