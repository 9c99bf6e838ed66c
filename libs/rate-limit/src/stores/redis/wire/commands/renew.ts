import type { Held } from '../../../../core/holds/holding-store.js';
import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import { holdsKey } from '../keys.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';

/** Lets an open hold last for longer. The answer is whether it is open. */
export class Renew extends Command<boolean> {
  readonly opcode = OPCODE.renew;
  readonly weight = 1;
  readonly numbers = FRAME.done.LENGTH;

  /**
   * @param ttl from now on, in milliseconds
   * @param state the key of the quota's state
   */
  constructor(
    private readonly held: Held,
    private readonly ttl: number,
    private readonly state: string,
    server: RedisServer,
    timeout: number,
  ) {
    super(server, timeout);
  }

  get firstKey(): string {
    return this.state;
  }

  addKeys(keys: string[]): void {
    keys.push(this.state, holdsKey(this.state));
  }

  isLike(other: Command): boolean {
    return other instanceof Renew && other.held.policy === this.held.policy && other.ttl === this.ttl;
  }

  writeTo(run: RunWriter): void {
    const { policy } = this.held;
    run.write('renew', run.placeOf(policy), this.ttl, run.atLeast(this.ttl), run.lifeOfHolds(policy));
  }

  override get own(): string {
    return this.held.id;
  }

  protected read(reply: Reply): boolean {
    const isOpen = reply.numberAt(FRAME.done.done) === 1;
    reply.skip(FRAME.done.LENGTH);
    return isOpen;
  }
}
