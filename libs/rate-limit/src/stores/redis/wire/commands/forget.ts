import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';

/** Removes keys: a quota's and its block's to reset it, the block's alone to unblock. */
export class Forget extends Command<void> {
  readonly opcode = OPCODE.forget;
  readonly weight: number;
  readonly numbers = FRAME.done.LENGTH;

  constructor(
    readonly keys: readonly string[],
    server: RedisServer,
    timeout: number,
  ) {
    super(server, timeout);
    this.weight = keys.length;
  }

  isLike(other: Command): boolean {
    return other instanceof Forget && other.keys.length === this.keys.length;
  }

  writeTo(run: RunWriter): void {
    run.write('forget', this.keys.length);
  }

  protected read(reply: Reply): void {
    reply.skip(FRAME.done.LENGTH);
  }
}
