import { hasSlots } from '../../../../core/algorithms/index.js';
import type { Decision } from '../../../../core/decision.js';
import { isPlain, type Hit } from '../../../../core/hit.js';
import { blockBegun } from '../../../../core/blocks/block-begun.js';
import { considersHolds } from '../../../../core/judge-all.js';
import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import { blockKey, holdsKey } from '../keys.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';
import { readAside, readDecision } from './decision.js';
import { writeHolding } from './holding.js';
import { weightOf } from './weight.js';

/** Charges all hits of a request, or none, where one of them has more than a charge: a block, a hold, recording, a turn. */
export class JudgeWhole extends Command<Decision[]> {
  // Declared only: a field with an initial value would be written twice, and each request makes a command.
  declare private readonly keys: readonly string[];
  declare readonly weight: number;
  declare readonly numbers: number;
  /** What it holds; `undefined`: it has blocks and nothing else that is special. */
  declare private readonly id: string | undefined;

  /** @param states the keys of the hits' states */
  constructor(
    private readonly hits: readonly Hit[],
    states: readonly string[],
    server: RedisServer,
    timeout: number,
  ) {
    super(server, timeout);
    const keys = [...states];
    let weight = 0;
    let blocks = 0;
    let id: string | undefined;
    for (let i = 0; i < hits.length; i++) {
      const { policy, hold } = hits[i]!;
      if (!onlyBlocks(hits[i]!)) id ??= NO_HOLD;
      if (policy.blocks) {
        keys.push(blockKey(states[i]!, policy));
        blocks++;
      }
      if (hold) id = hold.id;
      if (considersHolds(hits[i]!) && !hasSlots(policy)) keys.push(holdsKey(states[i]!));
      weight += weightOf(policy) + (hold ? 1 : 0);
    }
    this.keys = keys;
    this.weight = weight;
    this.id = id;
    const numbers = FRAME.decision.LENGTH + (id === undefined ? 0 : FRAME.aside.LENGTH);
    this.numbers = numbers * hits.length + FRAME.block.LENGTH * blocks;
  }

  get opcode(): number {
    return this.id === undefined ? OPCODE.judgeBlocking : OPCODE.judgeWhole;
  }

  get firstKey(): string {
    return this.keys[0]!;
  }

  addKeys(keys: string[]): void {
    for (const key of this.keys) keys.push(key);
  }

  isLike(other: Command): boolean {
    if (!(other instanceof JudgeWhole) || other.opcode !== this.opcode) return false;
    const own = this.hits;
    const { hits } = other;
    if (own.length !== hits.length) return false;
    for (let i = 0; i < own.length; i++) if (!isAlike(own[i]!, hits[i]!)) return false;
    return true;
  }

  writeTo(run: RunWriter): void {
    run.write('judge', this.hits.length);
    for (const hit of this.hits) {
      const { policy, cost } = hit;
      run.write('hit', run.placeOf(policy), cost);
      run.write('blocking', run.ruleOf(policy));
      if (this.id !== undefined) writeHolding(run, hit);
    }
  }

  override get own(): string | undefined {
    return this.id;
  }

  protected read(reply: Reply): Decision[] {
    const decisions: Decision[] = [];
    const { hits } = this;
    for (let i = 0; i < hits.length; i++) {
      const { policy } = hits[i]!;
      let decision = readDecision(policy, reply);
      if (policy.blocks) decision = this.withBlock(decision, hits[i]!, reply);
      decisions.push(this.id === undefined ? decision : readAside(decision, reply));
    }
    return decisions;
  }

  /** The number is negative if this hit began the block. */
  private withBlock(decision: Decision, { policy, key }: Hit, reply: Reply): Decision {
    const left = reply.numberAt(FRAME.block.blockedFor);
    reply.skip(FRAME.block.LENGTH);
    if (left === 0) return decision;
    if (left < 0) this.server.reports.blocked?.(blockBegun(policy, key, -left));
    return { ...decision, blockedFor: Math.abs(left) };
  }
}

/** Stands for the id of a hold where a request has none. */
const NO_HOLD = '-';

/** Whether a block is all that is special about a hit. */
const onlyBlocks = (hit: Hit): boolean => isPlain(hit) || (isBlocking(hit) && !considersHolds(hit));

const isBlocking = ({ policy: { blocks, mode }, patience }: Hit): boolean =>
  blocks !== undefined && mode !== 'record' && patience === undefined;

const isAlike = (one: Hit, other: Hit): boolean =>
  one.policy === other.policy &&
  one.cost === other.cost &&
  one.patience === other.patience &&
  one.hold?.ttl === other.hold?.ttl &&
  one.hold?.givesBack === other.hold?.givesBack;
