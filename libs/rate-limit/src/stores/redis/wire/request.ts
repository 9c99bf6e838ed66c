import type { Decision } from '../../../core/decision.js';
import type { StoreUnavailableError } from '../../../core/errors.js';
import type { Hit } from '../../../core/hit.js';
import { tooSlow } from '../connection/failures.js';
import type { RedisServer } from './server.js';

/** One request on its way: its hits, where their states are, and who waits for the decisions. Answered once. */
export class RedisRequest {
  answered = false;
  /** On the monotonic clock, in milliseconds. */
  readonly deadline: number;
  /** How much of a batch it takes. A log is searched, not read at once. */
  readonly weight: number;
  /** How many of its hits are of policies that block. */
  readonly blocks: number;
  readonly decisions: Promise<Decision[]>;
  private resolve!: (decisions: Decision[]) => void;
  private reject!: (error: StoreUnavailableError) => void;

  constructor(
    readonly hits: readonly Hit[],
    readonly keys: readonly string[],
    /** In milliseconds, and from when. */
    private readonly timeout: number,
    since: number,
    /** Who is asked, and is blamed for what fails. */
    readonly server: RedisServer,
    /** To block the only hit's key for so long, instead of charging it. */
    readonly imposes = 0,
  ) {
    this.deadline = since + timeout;
    let weight = 0;
    let blocks = 0;
    for (const { policy } of hits) {
      weight += policy.algorithm === 'sliding-log' ? 8 : 1;
      if (policy.blocks) blocks++;
    }
    this.blocks = blocks;
    weight += blocks;
    this.weight = weight;
    this.decisions = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Whether it asks for the same as another, of whatever keys. */
  isLike({ hits, imposes }: RedisRequest): boolean {
    const own = this.hits;
    if (own.length !== hits.length || this.imposes !== imposes) return false;
    for (let i = 0; i < own.length; i++) {
      if (own[i]!.policy !== hits[i]!.policy || own[i]!.cost !== hits[i]!.cost) return false;
    }
    return true;
  }

  answer(decisions: Decision[]): void {
    this.answered = true;
    this.resolve(decisions);
  }

  fail(error: StoreUnavailableError): void {
    this.answered = true;
    this.server.failed(error);
    this.reject(error);
  }

  giveUp(): void {
    this.fail(tooSlow(this.server.name, this.timeout));
  }
}
