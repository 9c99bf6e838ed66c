import { RateLimitError } from '../errors.js';
import { shownNumber } from '../shown.js';
import { offsetAt, type TimeZone } from './time-zone.js';

const SECOND = 1_000;

/** A local time, or an instant: `2026-01-31`, `2026-01-31T09:30`, `2026-01-31T09:30:00Z`. */
const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** When windows begin, as a local time: they begin whole units before and after it. */
export interface Anchor {
  /** In milliseconds, as local times are written (time-zone.ts). */
  readonly local: number;
  /** As people write it. */
  readonly text: string;
}

/**
 * Reads an `anchor`. A day of the month stands for that day at midnight.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID`
 */
export function anchorOf(given: unknown, calendar: string, zone: TimeZone): Anchor {
  if (typeof given === 'number') return dayOfMonth(given, calendar);
  const isDate = given instanceof Date;
  const local = isDate ? localOf(given.getTime(), zone) : typeof given === 'string' ? read(given, zone) : NaN;
  if (Number.isNaN(local)) throw invalid(given);
  return { local, text: `from ${textOf(local)}` };
}

function dayOfMonth(day: number, calendar: string): Anchor {
  if (calendar !== 'month' || !Number.isInteger(day) || day < 1 || day > 31) throw invalid(day);
  // January has 31 days.
  return { local: Date.UTC(2001, 0, day), text: `from day ${day}` };
}

function read(text: string, zone: TimeZone): number {
  const [, date, time = '00:00', offset] = DATE.exec(text) ?? [];
  const local = Date.parse(`${date}T${time}Z`);
  // Date.parse() takes 30 February for 2 March.
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 10) !== date) return NaN;
  if (offset === undefined) return local;
  return localOf(Date.parse(`${date}T${time}${offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`), zone);
}

/** Windows begin at whole seconds, so that fractions of a subscription's start need no explanation. */
function localOf(instant: number, zone: TimeZone): number {
  const whole = Math.floor(instant / SECOND) * SECOND;
  return Number.isNaN(whole) ? NaN : whole + offsetAt(zone, whole);
}

const textOf = (local: number): string => new Date(local).toISOString().replace(/(T00:00:00)?\.000Z$/, '');

/** Whether a number is probably a time in milliseconds. */
const isTime = (given: unknown): boolean => typeof given === 'number' && given > 1e11;

const invalid = (given: unknown): RateLimitError =>
  new RateLimitError(
    'RL_WINDOW_INVALID',
    `window: anchor must be a date like '2026-01-31', an instant (a Date, or '2026-01-31T09:30:00Z'), or with calendar: 'month' a day from 1 to 31, got ${shownNumber(given)}${isTime(given) ? ' (if that is a time, use new Date(…))' : ''}`,
  );
