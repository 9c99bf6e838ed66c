import type { Decision } from '../../../../core/decision.js';
import type { Hit } from '../../../../core/hit.js';
import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import { blockKey } from '../keys.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';
import { readDecision } from './decision.js';
import { weightOf } from './weight.js';

/** Charges all hits of a request, or none: several, or under policies that block. */
export class Judge extends Command<Decision[]> {
  // Declared only: a field with an initial value would be written twice, and each request makes a command.
  declare readonly opcode: number;
  declare private readonly keys: readonly string[];
  declare readonly weight: number;
  declare readonly numbers: number;

  /** @param states the keys of the hits' states */
  constructor(
    private readonly hits: readonly Hit[],
    states: readonly string[],
    server: RedisServer,
    timeout: number,
  ) {
    super(server, timeout);
    let weight = 0;
    let blocks = 0;
    for (const { policy } of hits) {
      weight += weightOf(policy);
      if (policy.blocks) blocks++;
    }
    this.weight = weight;
    this.numbers = FRAME.decision.LENGTH * hits.length + FRAME.block.LENGTH * blocks;
    this.keys = blocks > 0 ? [...states, ...states.filter((_, i) => hits[i]!.policy.blocks).map(blockKey)] : states;
    this.opcode = blocks > 0 ? OPCODE.judgeBlocking : OPCODE.judge;
  }

  get firstKey(): string {
    return this.keys[0]!;
  }

  addKeys(keys: string[]): void {
    for (const key of this.keys) keys.push(key);
  }

  isLike(other: Command): boolean {
    if (other.opcode !== this.opcode) return false;
    const own = this.hits;
    // Only requests have this opcode.
    const { hits } = other as Judge;
    if (own.length !== hits.length) return false;
    for (let i = 0; i < own.length; i++) {
      if (own[i]!.policy !== hits[i]!.policy || own[i]!.cost !== hits[i]!.cost) return false;
    }
    return true;
  }

  writeTo(run: RunWriter): void {
    run.write('judge', this.hits.length);
    for (const { policy, cost } of this.hits) {
      run.write('hit', run.placeOf(policy), cost);
      if (this.opcode === OPCODE.judgeBlocking) run.write('blocking', run.ruleOf(policy));
    }
  }

  protected read(reply: Reply): Decision[] {
    const decisions: Decision[] = [];
    const { hits } = this;
    for (let i = 0; i < hits.length; i++) {
      const { policy } = hits[i]!;
      const decision = readDecision(policy, reply);
      decisions.push(policy.blocks ? withBlock(decision, reply) : decision);
    }
    return decisions;
  }
}

function withBlock(decision: Decision, reply: Reply): Decision {
  const blockedFor = reply.numberAt(FRAME.block.blockedFor);
  reply.skip(FRAME.block.LENGTH);
  return blockedFor > 0 ? { ...decision, blockedFor } : decision;
}
