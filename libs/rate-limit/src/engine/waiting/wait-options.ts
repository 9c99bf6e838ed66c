import { refuseBareNumber } from '../../core/bare-numbers.js';
import { checkKnownKeys } from '../../core/checks.js';
import { DAY, milliseconds, SECOND, type Duration } from '../../core/duration.js';
import { RateLimitError } from '../../core/errors.js';
import { shown, shownNumber } from '../../core/shown.js';
import { invalid } from '../check-options.js';

/** How a call waits. */
export interface WaitOptions {
  /** Quota units, default 1. */
  cost?: number;
  /**
   * The longest wait: `'10s'`, or milliseconds (0, or at least 1000 if it is a number). A day at most. Default `'30s'`; 0
   * does not wait.
   */
  timeout?: Duration;
  /** Ends the wait early. The call then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Checked options. */
export interface WaitTerms {
  readonly cost: number;
  /** In milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** In milliseconds. */
const DEFAULT_TIMEOUT = 30 * SECOND;
/** In milliseconds. A timer takes no more than 24 days, and no process should be trusted to live that long. */
const LONGEST_TIMEOUT = DAY;

/** @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_COST_INVALID`, `RL_TIMEOUT_INVALID`, `RL_OPTION_INVALID` */
export function waitTermsOf(options: WaitOptions = {}): WaitTerms {
  checkKnownKeys(options, ['cost', 'timeout', 'signal'], 'the third argument of wait()');
  const { cost = 1, timeout = DEFAULT_TIMEOUT, signal } = options;
  if (!Number.isSafeInteger(cost) || cost < 0) {
    throw new RateLimitError(
      'RL_COST_INVALID',
      `wait(): a cost must be a whole number of at least 0, got ${shownNumber(cost)}; to give back, use consume()`,
    );
  }
  if (signal !== undefined && !isSignal(signal)) throw invalid('the signal of wait() must be an AbortSignal', signal);
  return { cost, timeout: timeoutOf(timeout), signal };
}

function timeoutOf(timeout: Duration): number {
  if (timeout === 0) return 0;
  refuseBareNumber(timeout, 'RL_TIMEOUT_INVALID', 'the timeout of wait()');
  const span = spanOf(timeout);
  if (span !== undefined && span <= LONGEST_TIMEOUT) return span;
  throw new RateLimitError(
    'RL_TIMEOUT_INVALID',
    `the timeout of wait() must be a span of a day at most, like '10s', or 0 not to wait, got ${shown(timeout)}`,
  );
}

function spanOf(timeout: Duration): number | undefined {
  try {
    return milliseconds(timeout);
  } catch {
    return undefined;
  }
}

/** By its shape: a test runner may have an AbortSignal of its own. */
const isSignal = (value: unknown): value is AbortSignal =>
  typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
