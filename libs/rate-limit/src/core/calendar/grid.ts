import { DAY, HOUR, MINUTE, SECOND } from '../duration.js';
import type { WindowBounds } from '../window.js';
import { firstBetween, instantOf, modulo, offsetAt, type TimeZone } from './time-zone.js';

const WEEK = 7 * DAY;

export const calendarUnits = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;

/**
 * A calendar unit.
 *
 * @useDeclaredType
 */
export type CalendarUnit = (typeof calendarUnits)[number];

/** Numbers the units, and gives the local time at which each begins. */
interface Numbered {
  /** The number of the unit that clocks show at a local time. */
  readonly numberOf: (local: number) => number;
  readonly startOf: (number: number) => number;
}

/**
 * The calendar window around an instant.
 *
 * A day, week, month or year begins at the first instant at which local clocks show its beginning or a later time. If that
 * time is skipped, it begins when the clocks are set forward. If the time comes twice, it begins at the first. A unit that
 * is skipped as a whole has no window.
 *
 * Minutes and hours are real time: an hour that clocks show twice is two windows. Only where clocks are set by half an
 * hour (Lord Howe Island) is an hour longer or shorter.
 *
 * @param anchor a local time: windows begin whole units before and after it
 */
export function boundsAround(instant: number, unit: CalendarUnit, zone: TimeZone, anchor: number): WindowBounds {
  if (unit === 'minute' || unit === 'hour') {
    const dial = new Dial(zone, unit === 'hour' ? HOUR : MINUTE, anchor);
    return { start: dial.lastStart(instant), end: dial.nextStart(instant) };
  }
  const { numberOf, startOf } = numbered[unit](anchor);
  let number = numberOf(zone.localAt(instant));
  let start = instantOf(zone, startOf(number));
  let end = instantOf(zone, startOf(number + 1));
  // Clocks may show the last unit again after its end, and a unit may be skipped.
  while (end <= instant) {
    start = end;
    end = instantOf(zone, startOf(++number + 1));
  }
  return { start, end };
}

const evenly =
  (length: number) =>
  (anchor: number): Numbered => ({
    numberOf: (local) => Math.floor((local - anchor) / length),
    startOf: (number) => anchor + number * length,
  });

/** Months, or years as twelve months. In a month that lacks the anchor's day, its last day is used. */
const byMonths =
  (months: number) =>
  (anchor: number): Numbered => {
    const first = new Date(anchor);
    const [day, time] = [first.getUTCDate(), modulo(anchor, DAY)];
    const offset = first.getUTCMonth() % months;
    const startOf = (number: number): number => {
      const month = number * months + offset;
      const last = new Date(Date.UTC(1970, month + 1, 0)).getUTCDate();
      return Date.UTC(1970, month, Math.min(day, last)) + time;
    };
    const numberOf = (local: number): number => {
      const date = new Date(local);
      const number = Math.floor((12 * (date.getUTCFullYear() - 1970) + date.getUTCMonth() - offset) / months);
      return local < startOf(number) ? number - 1 : number;
    };
    return { numberOf, startOf };
  };

const numbered = { day: evenly(DAY), week: evenly(WEEK), month: byMonths(1), year: byMonths(12) };

/**
 * Minutes or hours, as a clock's dial shows them. If clocks are set by whole units, the dial looks the same as before, so no
 * unit is longer or shorter.
 */
class Dial {
  /** Where on the dial units begin. */
  private readonly mark: number;

  /** @param length of a unit, in milliseconds */
  constructor(
    private readonly zone: TimeZone,
    private readonly length: number,
    anchor: number,
  ) {
    this.mark = modulo(anchor, length);
  }

  /** The last instant, at `instant` or before it, at which a unit begins. */
  lastStart(instant: number): number {
    const offset = offsetAt(this.zone, instant);
    const start = instant - this.passed(instant + offset);
    const before = offsetAt(this.zone, start);
    if ((before - offset) % this.length === 0) return start;
    const change = firstBetween(start, instant, (time) => offsetAt(this.zone, time) === offset);
    return this.beginsAt(change, before, offset) ? change : this.lastStart(change - 1);
  }

  /** The first instant after `instant` at which a unit begins. */
  nextStart(instant: number): number {
    const offset = offsetAt(this.zone, instant);
    const end = instant + this.length - this.passed(instant + offset);
    const after = offsetAt(this.zone, end);
    if ((after - offset) % this.length === 0) return end;
    const change = firstBetween(instant - modulo(instant, SECOND), end, (time) => offsetAt(this.zone, time) === after);
    return this.beginsAt(change, offset, after) ? change : this.nextStart(change);
  }

  /** Whether a unit begins when clocks are set from one offset to another: they show its beginning, or pass it. */
  private beginsAt(change: number, before: number, after: number): boolean {
    const numberOf = (local: number): number => Math.floor((local - this.mark) / this.length);
    return this.passed(change + after) === 0 || numberOf(change + after) > numberOf(change + before - 1);
  }

  /** How much of its unit has passed at a local time. */
  private passed(local: number): number {
    return modulo(local - this.mark, this.length);
  }
}
