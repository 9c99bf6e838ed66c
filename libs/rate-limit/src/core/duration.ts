import { RateLimitError } from './errors.js';
import { meantWindow } from './meant-window.js';
import { shown } from './shown.js';

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof MILLISECONDS;

/** In milliseconds. */
export const { s: SECOND, m: MINUTE, h: HOUR, d: DAY } = MILLISECONDS;

/** A thousand years. A clock reading plus that is still a safe integer. */
const LONGEST = 365_000 * MILLISECONDS.d;

/**
 * A span of time: `'500ms'`, `'10s'`, `'15m'`, `'2h'`, `'1d'`, or a whole number of milliseconds; `'365000d'` at most.
 * The type allows `'1.5s'`, but fractions are refused when the value is read (`RL_WINDOW_INVALID`).
 *
 * @useDeclaredType
 */
export type Duration = number | `${number}${Unit}`;

/**
 * The span in milliseconds.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID` unless it is a whole number of milliseconds, from 1 to a thousand years.
 */
export function milliseconds(duration: Duration): number {
  const span = typeof duration === 'string' ? parsed(duration) : duration;
  if (Number.isSafeInteger(span) && span >= 1 && span <= LONGEST) return span;
  const isTooLong = typeof span === 'number' && span > LONGEST;
  const right = isTooLong
    ? `'365000d' at most`
    : `like '500ms', '10s', '15m', '2h' or '1d', a whole number of ms, or a calendar unit like 'day' or 'month Europe/Berlin'`;
  throw new RateLimitError(
    'RL_WINDOW_INVALID',
    `window must be ${right}, got ${shown(duration)}${meantWindow(duration)}`,
  );
}

function parsed(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  return match ? Number(match[1]) * MILLISECONDS[match[2] as Unit] : NaN;
}

/** The span as people write it, in the largest unit that divides it: 60000 is `1m`. */
export function durationText(span: number): string {
  const units = Object.entries(MILLISECONDS).reverse();
  const [unit, size] = units.find(([, size]) => span % size === 0)!;
  return `${span / size}${unit}`;
}
