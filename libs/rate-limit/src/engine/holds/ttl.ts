import { refuseBareNumber } from '../../core/bare-numbers.js';
import { milliseconds, type Duration } from '../../core/duration.js';
import { RateLimitError } from '../../core/errors.js';
import { LONGEST_HOLD } from '../../core/holds/hold-request.js';
import { shown } from '../../core/shown.js';

/** In milliseconds. */
export const DEFAULT_TTL = 5 * 60_000;

/**
 * How long a reservation lasts, in milliseconds.
 *
 * @param method the method that takes it, for errors
 * @throws RateLimitError `RL_HOLD_INVALID`
 */
export function ttlOf(ttl: Duration, method: string): number {
  refuseBareNumber(ttl, 'RL_HOLD_INVALID', `ttl of ${method}`);
  let span = NaN;
  try {
    span = milliseconds(ttl);
  } catch {
    // The error below names the option.
  }
  if (span <= LONGEST_HOLD) return span;
  throw new RateLimitError(
    'RL_HOLD_INVALID',
    `ttl of ${method} must be a span of a day at most, like '2m', got ${shown(ttl)}`,
  );
}
