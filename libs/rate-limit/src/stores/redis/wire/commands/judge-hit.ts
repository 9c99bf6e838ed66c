import type { Decision } from '../../../../core/decision.js';
import type { Hit } from '../../../../core/hit.js';
import type { Policy } from '../../../../core/policy.js';
import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';
import { readDecision } from './decision.js';
import { weightOf } from './weight.js';

/**
 * Charges a request's only hit, on a policy that does not block. Most requests are like that, so there is a separate
 * command for them, without a loop or a list.
 */
export class JudgeHit extends Command<Decision[]> {
  declare readonly opcode: number;
  declare readonly keys: readonly string[];
  declare readonly weight: number;
  declare readonly numbers: number;
  declare private readonly policy: Policy;
  declare private readonly cost: number;

  /** @param keys the key of the hit's state */
  constructor({ policy, cost }: Hit, keys: readonly string[], server: RedisServer, timeout: number) {
    super(server, timeout);
    this.opcode = OPCODE.hit;
    this.keys = keys;
    this.weight = weightOf(policy);
    this.numbers = FRAME.decision.LENGTH;
    // Not the hit itself: a caller may reuse it before it is sent.
    this.policy = policy;
    this.cost = cost;
  }

  isLike(other: Command): boolean {
    if (other.opcode !== OPCODE.hit) return false;
    const { policy, cost } = other as JudgeHit;
    return policy === this.policy && cost === this.cost;
  }

  writeTo(run: RunWriter): void {
    run.write('hit', run.placeOf(this.policy), this.cost);
  }

  protected read(reply: Reply): Decision[] {
    return [readDecision(this.policy, reply)];
  }
}
