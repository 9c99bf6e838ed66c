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
    private readonly keys: readonly string[],
    server: RedisServer,
    timeout: number,
  ) {
    super(server, timeout);
    this.weight = keys.length;
  }

  get firstKey(): string {
    return this.keys[0]!;
  }

  addKeys(keys: string[]): void {
    for (const key of this.keys) keys.push(key);
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
