import { Command } from '../command.js';
import { OPCODE } from '../frame.js';
import type { RedisServer } from '../server.js';

/** Reads the server's clock, and does nothing else: every reply has it. It is never too late. */
export class ReadClock extends Command<void> {
  readonly opcode = OPCODE.readClock;
  readonly weight = 1;
  readonly numbers = 0;

  /** @param key says which server of a Cluster */
  constructor(
    private readonly key: string,
    server: RedisServer,
  ) {
    super(server, Infinity);
  }

  get firstKey(): string {
    return this.key;
  }

  addKeys(keys: string[]): void {
    keys.push(this.key);
  }

  isLike(other: Command): boolean {
    return other instanceof ReadClock;
  }

  writeTo(): void {
    // The opcode has no arguments.
  }

  protected read(): void {
    // No numbers belong to it.
  }
}
