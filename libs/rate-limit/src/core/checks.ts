import { closest } from './closest.js';
import { kindOf, shown, shownNumber } from './shown.js';
import { RateLimitError } from './errors.js';

/** @throws RateLimitError `RL_OPTION_UNKNOWN` for a key that is not an option, most often a typing error */
export function checkKnownKeys(options: object, known: readonly string[], owner: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new RateLimitError('RL_OPTION_UNKNOWN', `${owner} must be an object, got ${kindOf(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const meant = closest(unknown, known);
  throw new RateLimitError(
    'RL_OPTION_UNKNOWN',
    `${owner} has no option ${shown(unknown)}; ${meant === undefined ? 'it' : `did you mean ${meant}? It`} takes ${known.join(', ')}`,
  );
}

/** @throws RateLimitError with this code unless the value is one of `known` */
export function checkOneOf(value: unknown, known: readonly string[], code: string, what: string): void {
  if (known.includes(value as string)) return;
  const meant = typeof value === 'string' ? closest(value, known) : undefined;
  throw new RateLimitError(
    code,
    `${what} must be one of ${known.join(', ')}, got ${shown(value)}${meant === undefined ? '' : `; did you mean '${meant}'?`}`,
  );
}

/** In milliseconds: longer than any caller waits for an answer. */
const LONGEST_TIMEOUT = 60_000;

/** @throws RateLimitError `RL_TIMEOUT_INVALID` */
export function checkTimeout(timeout: unknown, option = 'timeout'): void {
  if (Number.isSafeInteger(timeout) && (timeout as number) >= 1 && (timeout as number) <= LONGEST_TIMEOUT) return;
  throw new RateLimitError(
    'RL_TIMEOUT_INVALID',
    `${option} must be a whole number of ms from 1 to ${LONGEST_TIMEOUT}, got ${shownNumber(timeout)}`,
  );
}
