import { Temporal } from 'temporal-polyfill';
import type { CalendarDefinition } from '../../libs/rate-limit/src/core/calendar/calendar-window.js';
import type { WindowBounds } from '../../libs/rate-limit/src/core/window.js';

type Local = Temporal.PlainDateTime;

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** The calendar window around an instant, from Temporal and the rule in words: the oracle of the tests. */
export function windowByTemporal(instant: number, definition: CalendarDefinition): WindowBounds {
  const { calendar, timeZone } = definition;
  const zone = timeZone ?? 'UTC';
  const anchor = anchorOf(definition, zone);
  if (calendar === 'minute') return byDial(instant, zone, 60_000, anchor);
  if (calendar === 'hour') return byDial(instant, zone, 3_600_000, anchor);

  // The first instant that shows the beginning of a unit, or a later time. Temporal clamps the day: 31 January, plus a month.
  const unit = `${calendar}s` as const;
  const startOf = (number: number): number => firstThatShows(anchor.add({ [unit]: number }), zone);
  let number = anchor.until(zoned(instant, zone).toPlainDateTime(), { largestUnit: unit })[unit] - 2;
  let [start, end] = [startOf(number), startOf(number + 1)];
  while (end <= instant) [start, end] = [end, startOf(++number + 1)];
  return { start, end };
}

const zoned = (instant: number, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);

function anchorOf({ weekStart, anchor }: CalendarDefinition, zone: string): Local {
  if (typeof anchor === 'number') return Temporal.PlainDateTime.from({ year: 2001, month: 1, day: anchor });
  if (typeof anchor === 'string' && !/(Z|[+-]\d\d:\d\d)$/.test(anchor)) return Temporal.PlainDateTime.from(anchor);
  if (typeof anchor === 'string') return secondOf(Temporal.Instant.from(anchor).epochMilliseconds, zone);
  if (anchor) return secondOf(anchor.getTime(), zone);
  const monday = Temporal.PlainDateTime.from('2001-01-01');
  return monday.add({ days: WEEKDAYS.indexOf(weekStart ?? 'monday') });
}

const secondOf = (instant: number, zone: string): Local =>
  zoned(instant, zone).toPlainDateTime().round({ smallestUnit: 'second', roundingMode: 'floor' });

function firstThatShows(local: Local, zone: string): number {
  // In a gap this is before it.
  const early = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
  const first = early.toPlainDateTime().equals(local) ? early : early.getTimeZoneTransition('next')!;
  return first.epochMilliseconds;
}

/**
 * Minutes and hours begin whenever clocks show the mark, and when they are set forward past it. These are all the instants
 * at which that may be, within a length before and after the instant, and then those at which it is.
 */
function byDial(instant: number, zone: string, length: number, anchor: Local): WindowBounds {
  const mark = modulo(anchor.toZonedDateTime('UTC').epochMilliseconds, length);
  const [from, to] = [instant - 2 * length, instant + 2 * length];
  // To search for a change is slow.
  const changes = offsetAt(from, zone) === offsetAt(to, zone) ? [] : changesBetween(from, to, zone);
  const offsets = [from, ...changes].map((time) => offsetAt(time, zone));
  const shown = offsets.flatMap((offset) => {
    const last = instant - modulo(instant + offset - mark, length);
    return [-2, -1, 0, 1, 2].map((units) => last + units * length);
  });
  const isStart = (time: number): boolean => {
    const local = time + offsetAt(time, zone);
    if (modulo(local - mark, length) === 0) return true;
    if (!changes.includes(time)) return false;
    const due = time + offsetAt(time - 1, zone);
    return local > due && modulo(mark - due, length) <= (local - due) % length;
  };
  const starts = [...shown, ...changes].filter(isStart);
  return {
    start: Math.max(...starts.filter((time) => time <= instant)),
    end: Math.min(...starts.filter((time) => time > instant)),
  };
}

/** What clocks in a zone show, to the second. */
export const localTextAt = (instant: number, zone: string): string => secondOf(instant, zone).toString().slice(0, 19);

const offsetAt = (instant: number, zone: string): number => zoned(instant, zone).offsetNanoseconds / 1_000_000;

/** When clocks in a zone are set, after `from` and not after `to`. */
export function changesBetween(from: number, to: number, zone: string): number[] {
  const changes: number[] = [];
  for (let time = from; ;) {
    const next = zoned(time, zone).getTimeZoneTransition('next')?.epochMilliseconds;
    if (next === undefined || next > to) return changes;
    changes.push(next);
    time = next;
  }
}

const modulo = (dividend: number, divisor: number): number => ((dividend % divisor) + divisor) % divisor;
