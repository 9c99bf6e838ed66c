import { isStoreUnavailable, RateLimitError } from '../core/errors.js';

/** How the program ends. `--help` explains them. */
export const EXIT = { done: 0, nothing: 1, wrongUse: 2, noAnswer: 3, fault: 4 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Something on the command line is wrong. */
export class WrongUse extends Error {
  override readonly name = 'WrongUse';
}

export function exitCodeOf(error: unknown): ExitCode {
  if (isStoreUnavailable(error)) return EXIT.noAnswer;
  const isByOperator = error instanceof WrongUse || error instanceof RateLimitError;
  return isByOperator || isOfParseArgs(error) ? EXIT.wrongUse : EXIT.fault;
}

const isOfParseArgs = (error: unknown): boolean =>
  String((error as { code?: unknown } | undefined)?.code).startsWith('ERR_PARSE_ARGS');
