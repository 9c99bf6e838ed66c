import type { Decision } from '../../../../core/decision.js';
import type { Hit } from '../../../../core/hit.js';
import { Command, type RunWriter } from '../command.js';
import { FRAME, OPCODE } from '../frame.js';
import type { Reply } from '../reply.js';
import type { RedisServer } from '../server.js';
import { readDecision } from './decision.js';
import { weightOf } from './weight.js';

/** Charges all hits of a request, or none: several, of which each is only charged. */
export class Judge extends Command<Decision[]> {
  readonly opcode = OPCODE.judge;
  // Declared only: a field with an initial value would be written twice, and each request makes a command.
  declare readonly weight: number;

  /** @param keys of the hits' states */
  constructor(
    private readonly hits: readonly Hit[],
    private readonly keys: readonly string[],
    server: RedisServer,
    timeout: number,
  ) {
    super(server, timeout);
    let weight = 0;
    for (const { policy } of hits) weight += weightOf(policy);
    this.weight = weight;
  }

  get numbers(): number {
    return FRAME.decision.LENGTH * this.hits.length;
  }

  get firstKey(): string {
    return this.keys[0]!;
  }

  addKeys(keys: string[]): void {
    for (const key of this.keys) keys.push(key);
  }

  isLike(other: Command): boolean {
    if (!(other instanceof Judge)) return false;
    const own = this.hits;
    const { hits } = other;
    if (own.length !== hits.length) return false;
    for (let i = 0; i < own.length; i++) {
      if (own[i]!.policy !== hits[i]!.policy || own[i]!.cost !== hits[i]!.cost) return false;
    }
    return true;
  }

  writeTo(run: RunWriter): void {
    run.write('judge', this.hits.length);
    for (const { policy, cost } of this.hits) run.write('hit', run.placeOf(policy), cost);
  }

  protected read(reply: Reply): Decision[] {
    return this.hits.map(({ policy }) => readDecision(policy, reply));
  }
}
