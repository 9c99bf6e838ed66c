import type { StoreUnavailableError } from '../../../core/errors.js';
import type { Policy } from '../../../core/policy.js';
import { tooSlow } from '../connection/failures.js';
import type { List, Values } from './frame.js';
import type { Reply } from './reply.js';
import type { RedisServer } from './server.js';

/** Where a command writes what all commands of its run have in common. */
export interface RunWriter {
  /** Which policy, counted from 1. Each is sent once. */
  placeOf(policy: Policy): number;
  /** The rule of a policy's blocks, or '' when it does not block. */
  ruleOf(policy: Policy): string;
  /** How long the hash of a policy's holds lives, in ms. */
  lifeOfHolds(policy: Policy): number;
  /** A span in ms, or the shortest that a key lives. */
  atLeast(life: number): number;
  /** Adds the entries of a list of frame.ts. */
  write<Name extends List>(list: Name, ...values: Values<Name>): void;
}

// A promise is made for each request. With one function for all of them, no request makes a function for that.
let resolve: (answer: never) => void;
let reject: (error: StoreUnavailableError) => void;
const takeSettlers = (resolving: typeof resolve, rejecting: typeof reject): void => {
  resolve = resolving;
  reject = rejecting;
};

/**
 * One thing to ask of Redis, and its answer. A command is answered once. Batches, deadlines and the connection know nothing
 * else. A new kind of command is a file in commands/, a part of the script, and its lines in frame.ts.
 */
export abstract class Command<Answer = unknown> {
  /** One of `OPCODE`. */
  abstract readonly opcode: number;
  /** How much of a batch it takes: a hit on a fast algorithm is 1. */
  abstract readonly weight: number;
  /** How many numbers of the reply belong to it. */
  abstract readonly numbers: number;

  answered = false;
  /** On the monotonic clock, in milliseconds. */
  readonly deadline: number;
  readonly answer: Promise<Answer>;
  declare private resolve: (answer: unknown) => void;
  declare private reject: (error: StoreUnavailableError) => void;

  constructor(
    /** The server to ask. Failures count against it. */
    readonly server: RedisServer,
    /** In milliseconds, from now on. */
    private readonly timeout: number,
  ) {
    this.deadline = performance.now() + timeout;
    this.answer = new Promise<Answer>(takeSettlers);
    this.resolve = resolve as (answer: unknown) => void;
    this.reject = reject;
  }

  /** Any of its keys: says which server of a Cluster. */
  abstract get firstKey(): string;

  /** Adds its keys. On a Cluster all of them are in one slot. */
  abstract addKeys(keys: string[]): void;

  /** Whether it differs from another command only in its keys. Then both may share a run. */
  abstract isLike(other: Command): boolean;

  /**
   * Whether it is like the other command, except that it is under the next policy. Then both may share a run too.
   */
  isNextOf?(other: Command, run: RunWriter): boolean;

  /** Writes what follows the opcode and the count of its run. */
  abstract writeTo(run: RunWriter): void;

  /** What only this command has, as words. Those of a run are one argument, after what its commands have in common. */
  get own(): string | undefined {
    return undefined;
  }

  /** Reads its numbers, all of them. */
  protected abstract read(reply: Reply): Answer;

  /**
   * Reads its part of the reply and answers, unless it was given up.
   *
   * @returns whether a caller still waited: an answer after the deadline does not show that the server is well
   */
  take(reply: Reply): boolean {
    const answer = this.read(reply);
    if (this.answered) return false;
    this.answered = true;
    this.resolve(answer);
    return true;
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
