import { algorithmOf } from '../../../../core/algorithms/index.js';
import type { Decision } from '../../../../core/decision.js';
import type { Hit } from '../../../../core/hit.js';
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
  readonly opcode = OPCODE.judgeWhole;
  // Declared only: a field with an initial value would be written twice, and each request makes a command.
  declare private readonly keys: readonly string[];
  declare readonly weight: number;
  declare readonly numbers: number;
  declare private readonly id: string;

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
    let id = '-';
    for (let i = 0; i < hits.length; i++) {
      const { policy, hold } = hits[i]!;
      if (policy.blocks) {
        keys.push(blockKey(states[i]!));
        blocks++;
      }
      if (hold) id = hold.id;
      if ((policy.blocks ?? hold) && !algorithmOf(policy.algorithm).countsHolds) keys.push(holdsKey(states[i]!));
      weight += weightOf(policy) + (hold ? 1 : 0);
    }
    this.keys = keys;
    this.weight = weight;
    this.id = id;
    this.numbers = (FRAME.decision.LENGTH + FRAME.aside.LENGTH) * hits.length + FRAME.block.LENGTH * blocks;
  }

  get firstKey(): string {
    return this.keys[0]!;
  }

  addKeys(keys: string[]): void {
    for (const key of this.keys) keys.push(key);
  }

  isLike(other: Command): boolean {
    if (!(other instanceof JudgeWhole)) return false;
    const own = this.hits;
    const { hits } = other;
    if (own.length !== hits.length) return false;
    for (let i = 0; i < own.length; i++) if (!isAlike(own[i]!, hits[i]!)) return false;
    return true;
  }

  writeTo(run: RunWriter): void {
    run.write('judge', this.hits.length);
    for (const { policy, cost, hold, patience } of this.hits) {
      run.write('hit', run.placeOf(policy), cost);
      run.write('blocking', run.ruleOf(policy));
      writeHolding(run, policy, hold, policy.mode === 'record' ? 'record' : (patience ?? ''));
    }
  }

  override get own(): string {
    return this.id;
  }

  protected read(reply: Reply): Decision[] {
    const decisions: Decision[] = [];
    const { hits } = this;
    for (let i = 0; i < hits.length; i++) {
      const { policy } = hits[i]!;
      let decision = readDecision(policy, reply);
      if (policy.blocks) decision = withBlock(decision, reply);
      decisions.push(readAside(decision, reply));
    }
    return decisions;
  }
}

const isAlike = (one: Hit, other: Hit): boolean =>
  one.policy === other.policy &&
  one.cost === other.cost &&
  one.patience === other.patience &&
  one.hold?.ttl === other.hold?.ttl &&
  one.hold?.givesBack === other.hold?.givesBack;

function withBlock(decision: Decision, reply: Reply): Decision {
  const blockedFor = reply.numberAt(FRAME.block.blockedFor);
  reply.skip(FRAME.block.LENGTH);
  return blockedFor > 0 ? { ...decision, blockedFor } : decision;
}
