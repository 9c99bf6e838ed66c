import { SECOND } from '../duration.js';
import { RateLimitError } from '../errors.js';
import { kindOf, shown } from '../shown.js';
import { offsetAt, type TimeZone } from './time-zone.js';

/**
 * A local time, or an instant: `2026-01-31`, `2026-01-31T09:30`, `2026-01-31T09:30:00Z`, or as databases write it:
 * `2026-01-31 09:30:00+00`.
 */
const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,]\d{1,9})?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;

/** Whether it is in the years 1900 to 9999. Any other is a mistake, such as the zero time of another language. */
const isUsual = (time: number): boolean => Date.UTC(1900, 0) <= time && time < Date.UTC(10_000, 0);

/** A local time at which a window begins. The others begin whole units before and after it. */
export interface Anchor {
  /** In milliseconds, as local times are written (time-zone.ts). */
  readonly local: number;
  /** As people write it. */
  readonly text: string;
}

/** The time of a `Date`, in milliseconds; also of one from another realm: `structuredClone()` makes these in a VM. */
export const timeOf = (value: unknown): number | undefined =>
  typeof value === 'object' && Object.prototype.toString.call(value) === '[object Date]' ? Number(value) : undefined;

/**
 * Reads an `anchor`. A day of the month stands for that day at midnight.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID`
 */
export function anchorOf(given: unknown, calendar: string, zone: TimeZone): Anchor {
  if (typeof given === 'number') return dayOfMonth(given, calendar);
  const time = timeOf(given);
  const local = time !== undefined ? localOf(time, zone) : typeof given === 'string' ? read(given, zone) : NaN;
  if (!isUsual(local)) throw invalid(given);
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
  const [sign = '', hours = '', minutes = '00'] = offset.match(/[+-]|\d\d/g) ?? [];
  return localOf(Date.parse(`${date}T${time}${sign === '' ? 'Z' : `${sign}${hours}:${minutes}`}`), zone);
}

/** Rounded down to whole seconds: windows begin and end with one. */
function localOf(instant: number, zone: TimeZone): number {
  const whole = Math.floor(instant / SECOND) * SECOND;
  return isUsual(whole) ? whole + offsetAt(zone, whole) : NaN;
}

const textOf = (local: number): string => new Date(local).toISOString().replace(/(T00:00:00)?\.000Z$/, '');

function invalid(given: unknown): RateLimitError {
  // As text, the date of a library may look right.
  const isForeign = typeof given === 'object' && timeOf(given) === undefined;
  return new RateLimitError(
    'RL_WINDOW_INVALID',
    `window: anchor must be a date like '2026-01-31' or '2026-01-31T09:30', an instant (a Date, or '2026-01-31T09:30:00Z') of the years 1900 to 9999, or with calendar: 'month' a day from 1 to 31, got ${isForeign ? kindOf(given) : shown(given)}${hintOn(given)}`,
  );
}

/** What a value was probably meant to be. */
function hintOn(given: unknown): string {
  if (typeof given === 'number' && given > 1e11) return ' (if that is a time, use new Date(…))';
  if (typeof given === 'number' && given > 1e8) return ' (if that is a time in seconds, use new Date(1000 * …))';
  if (typeof given === 'string' && /^[1-9]\d?$/.test(given)) return ' (it is text: use Number(…))';
  if (typeof given === 'string' && /^\d\d:\d\d$/.test(given)) return ` (with any date: '2026-01-01T${given}')`;
  const isOfLibrary = typeof given === 'object' && given !== null && 'toISO' in given;
  return isOfLibrary ? ' (use its toISO())' : '';
}
