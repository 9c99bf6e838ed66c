import type { Decision } from '../../../../core/decision.js';
import type { Hit } from '../../../../core/hit.js';
import type { HoldRequest } from '../../../../core/holds/hold-request.js';
import type { Policy } from '../../../../core/policy.js';
import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import { holdsKey } from '../keys.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';
import { readAside, readDecision } from './decision.js';
import { writeHolding } from './holding.js';
import { weightOf } from './weight.js';

/** Charges and holds a request's only hit, on a policy that neither blocks nor records. Most holds are like that. */
export class HoldHit extends Command<Decision[]> {
  // Declared only: a field with an initial value would be written twice. What all of them share are getters.
  declare readonly policy: Policy;
  declare readonly cost: number;
  declare readonly hold: HoldRequest;
  declare readonly key: string;

  /** @param key of the hit's state */
  constructor({ policy, cost }: Hit, hold: HoldRequest, key: string, server: RedisServer, timeout: number) {
    super(server, timeout);
    // Not the hit itself: a caller may reuse it before it is sent.
    this.policy = policy;
    this.cost = cost;
    this.hold = hold;
    this.key = key;
  }

  get opcode(): number {
    return OPCODE.hold;
  }

  get weight(): number {
    return weightOf(this.policy);
  }

  get numbers(): number {
    return FRAME.whole.LENGTH;
  }

  get firstKey(): string {
    return this.key;
  }

  addKeys(keys: string[]): void {
    keys.push(this.key, holdsKey(this.key));
  }

  isLike(other: Command): boolean {
    return (
      other instanceof HoldHit &&
      other.policy === this.policy &&
      other.cost === this.cost &&
      other.hold.ttl === this.hold.ttl &&
      other.hold.givesBack === this.hold.givesBack
    );
  }

  writeTo(run: RunWriter): void {
    run.write('hit', run.placeOf(this.policy), this.cost);
    writeHolding(run, this);
  }

  override get own(): string {
    return this.hold.id;
  }

  protected read(reply: Reply): Decision[] {
    return [readAside(readDecision(this.policy, reply), reply)];
  }
}
