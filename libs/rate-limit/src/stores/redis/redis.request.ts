import type { Decision } from '../../core/decision.js';
import { StoreUnavailableError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import type { Pending } from './redis.deadlines.js';

/** One request on its way: its hits, where their states are, and who waits for the decisions. Answered once. */
export class RedisRequest implements Pending {
  answered = false;
  readonly decisions: Promise<Decision[]>;
  private resolve!: (decisions: Decision[]) => void;
  private reject!: (error: StoreUnavailableError) => void;

  constructor(
    readonly hits: readonly Hit[],
    readonly keys: readonly string[],
    readonly deadline: number,
  ) {
    this.decisions = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  answer(decisions: Decision[]): void {
    this.answered = true;
    this.resolve(decisions);
  }

  fail(error: StoreUnavailableError): void {
    this.answered = true;
    this.reject(error);
  }

  giveUp(): void {
    this.fail(new StoreUnavailableError('Redis gave no answer in time'));
  }
}
