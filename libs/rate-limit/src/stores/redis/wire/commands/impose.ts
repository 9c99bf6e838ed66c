import type { Policy } from '../../../../core/policy.js';
import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import { blockKey } from '../keys.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';
import { weightOf } from './weight.js';

/** Blocks a key from code. The answer is whether the block could be written. */
export class Impose extends Command<boolean> {
  readonly opcode = OPCODE.impose;
  private readonly keys: readonly string[];
  readonly weight: number;
  readonly numbers = FRAME.done.LENGTH;

  /**
   * @param policy one with `blockFor`
   * @param span in milliseconds
   */
  constructor(
    private readonly policy: Policy,
    private readonly span: number,
    state: string,
    server: RedisServer,
    timeout: number,
  ) {
    super(server, timeout);
    this.keys = [state, blockKey(state, policy)];
    this.weight = weightOf(policy);
  }

  get firstKey(): string {
    return this.keys[0]!;
  }

  addKeys(keys: string[]): void {
    for (const key of this.keys) keys.push(key);
  }

  isLike(other: Command): boolean {
    return other instanceof Impose && other.policy === this.policy && other.span === this.span;
  }

  writeTo(run: RunWriter): void {
    const { policy, span } = this;
    run.write('impose', run.placeOf(policy), span, run.ruleOf(policy));
  }

  protected read(reply: Reply): boolean {
    const isDone = reply.numberAt(FRAME.done.done) === 1;
    reply.skip(FRAME.done.LENGTH);
    return isDone;
  }
}
