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
  // Declared only: a field with an initial value would be written twice, and each request makes a command. What all of
  // them share are getters.
  declare readonly policy: Policy;
  declare readonly cost: number;
  declare private readonly key: string;

  /** @param key of the hit's state */
  constructor({ policy, cost }: Hit, key: string, server: RedisServer, timeout: number) {
    super(server, timeout);
    // Not the hit itself: a caller may reuse it before it is sent.
    this.policy = policy;
    this.cost = cost;
    this.key = key;
  }

  get opcode(): number {
    return OPCODE.hit;
  }

  get weight(): number {
    return weightOf(this.policy);
  }

  get numbers(): number {
    return FRAME.decision.LENGTH;
  }

  get firstKey(): string {
    return this.key;
  }

  addKeys(keys: string[]): void {
    keys.push(this.key);
  }

  isLike(other: Command): boolean {
    return other instanceof JudgeHit && other.policy === this.policy && other.cost === this.cost;
  }

  override isNextOf(other: Command, run: RunWriter): boolean {
    return (
      other instanceof JudgeHit &&
      other.cost === this.cost &&
      run.placeOf(this.policy) === run.placeOf(other.policy) + 1
    );
  }

  writeTo(run: RunWriter): void {
    run.write('hit', run.placeOf(this.policy), this.cost);
  }

  protected read(reply: Reply): Decision[] {
    return [readDecision(this.policy, reply)];
  }
}
