import type { ExecutionContext } from '@nestjs/common';

/**
 * How a call ended.
 *
 * - `success`: the answer was sent in full, with a status below 400. An exception filter may have made it of an error.
 * - `failure`: a status of 400 and more; an error after the status was sent; or an answer that the application broke off.
 * - `disconnect`: the client went away before the answer was complete. The status says nothing then.
 * - `refused`: the handler never started, because a later guard, a pipe or an interceptor answered the request. The
 *   status says nothing of that either: it may be 200.
 */
export type Ending = 'success' | 'failure' | 'disconnect' | 'refused';

/** How a call ended, for the functions `count` and `settle` of a policy. */
export interface CallOutcome {
  /** What decides first: the status of a call that a client left says nothing. */
  readonly ending: Ending;
  /** Where a call was refused before its handler started; `undefined` if it was not. Interceptors count as pipes. */
  readonly refusedBy: 'guard' | 'pipe' | undefined;
  /** The status that was sent; `undefined` if none was sent. */
  readonly status: number | undefined;
  /** What the handler threw, or the stream that it returned. Nest does not show what guards and pipes throw. */
  readonly error: unknown;
  /** What the handler returned, before interceptors; of an Observable its last item; `undefined` for a stream. */
  readonly value: unknown;
  /** What the answer's reader found (`llmUsage`); `undefined` without a reader, or if it found nothing. */
  readonly found: unknown;
  /** The units that are held: the estimate. */
  readonly held: number;
  /** The units that the handler said it has used so far (`@Usage()`); `undefined` if it said nothing. */
  readonly used: number | undefined;
  /** Nest's context of the call. */
  readonly context: ExecutionContext;
}

/** Reads an answer while it is sent, without keeping it. One is made for each call. */
export interface AnswerReader {
  /** What the handler returned, or one item of the stream of objects that it returned: an Observable, an async iterable. */
  value(value: unknown): void;
  /**
   * A piece of an answer that is sent as text or bytes: a file, what a handler writes to its response, the strings of an
   * async iterable. Pieces may end anywhere, also inside a character.
   */
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
