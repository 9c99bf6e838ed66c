import { blockBegun } from '../../../../core/blocks/block-begun.js';
import type { Held } from '../../../../core/holds/holding-store.js';
import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import { blockKey, holdsKey } from '../keys.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';
import { weightOf } from './weight.js';

/** Settles a hold. The answer is whether it was open. */
export class Settle extends Command<boolean> {
  readonly opcode = OPCODE.settle;
  readonly numbers = FRAME.done.LENGTH;

  /** @param state the key of the quota's state */
  constructor(
    private readonly held: Held,
    private readonly cost: number,
    private readonly state: string,
    server: RedisServer,
    timeout: number,
  ) {
    super(server, timeout);
  }

  get weight(): number {
    const { policy } = this.held;
    // A corrected log is written again.
    return policy.algorithm === 'sliding-log' ? 2 * weightOf(policy) : weightOf(policy);
  }

  get firstKey(): string {
    return this.state;
  }

  addKeys(keys: string[]): void {
    keys.push(this.state, holdsKey(this.state));
    if (this.held.policy.blocks) keys.push(blockKey(this.state, this.held.policy));
  }

  isLike(other: Command): boolean {
    return other instanceof Settle && other.held.policy === this.held.policy;
  }

  writeTo(run: RunWriter): void {
    const { policy } = this.held;
    run.write('settle', run.placeOf(policy), policy.debt, run.ruleOf(policy));
  }

  override get own(): string {
    return `${this.held.id} ${this.cost}`;
  }

  protected read(reply: Reply): boolean {
    const done = reply.numberAt(FRAME.done.done);
    reply.skip(FRAME.done.LENGTH);
    const { policy, key } = this.held;
    // The settlement began a block.
    if (done < 0) this.server.reports.blocked?.(blockBegun(policy, key, -done));
    return done !== 0;
  }
}
