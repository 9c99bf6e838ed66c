import type { ExecutionContext } from '@nestjs/common';

/**
 * How a call ended.
 *
 * - `success`: the answer was sent in full, with a status below 400;
 * - `failure`: an error, or a status of 400 and more;
 * - `disconnect`: the client went away before the answer was complete. The status says nothing then;
 * - `refused`: the handler never started, because a later guard or a pipe refused the request.
 */
export type Ending = 'success' | 'failure' | 'disconnect' | 'refused';

/** How a call ended, for the functions `count` and `settle` of a policy. */
export interface CallOutcome {
  /** What decides first: the status of a call that a client left says nothing. */
  readonly ending: Ending;
  /** Where a call was refused before its handler started; `undefined` if the handler started. */
  readonly refusedBy: 'guard' | 'pipe' | undefined;
  /** The status that was sent; `undefined` if none was sent. */
  readonly status: number | undefined;
  /** What the handler or a guard threw. */
  readonly error: unknown;
  /** What the handler returned; `undefined` for a stream. */
  readonly value: unknown;
  /** What the answer's reader found (`llmUsage`); `undefined` without a reader, or if it found nothing. */
  readonly found: unknown;
  /** The units that are held: the estimate. */
  readonly held: number;
  /** The units that the handler said it has used so far; `undefined` if it said nothing. */
  readonly used: number | undefined;
  /** Nest's context of the call. */
  readonly context: ExecutionContext;
}

/** Reads an answer while it is sent, without keeping it. One is made for each call. */
export interface AnswerReader {
  /** What the handler returned, or one item of the stream of objects that it returned (an Observable, an async iterable). */
  value(value: unknown): void;
  /** A piece of the bytes that are sent. Pieces may end anywhere, also inside a character. */
  chunk(chunk: string | Uint8Array): void;
  /** What was found so far. */
  found(): unknown;
}

/** A `settle` function: the units that a call really used. `undefined`: it does not know, so the estimate is kept. */
export interface Settle {
  (outcome: CallOutcome): number | undefined | Promise<number | undefined>;
  /** Makes a reader of the answer, if the function needs one. */
  readonly reader?: () => AnswerReader;
  /** The units that are known to be used, although the call ended before all was known: a client disconnected. */
  readonly atLeast?: (outcome: CallOutcome) => number | undefined;
}
