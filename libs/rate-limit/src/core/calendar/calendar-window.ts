import { checkKnownKeys, checkOneOf } from '../checks.js';
import { DAY, HOUR, MINUTE } from '../duration.js';
import { RateLimitError } from '../errors.js';
import { oneLine, shown } from '../shown.js';
import type { Window, WindowBounds } from '../window.js';
import { anchorOf, timeOf, type Anchor } from './anchor.js';
import { boundsAround, calendarUnits, type CalendarUnit } from './grid.js';
import { timeZoneOf, type TimeZone } from './time-zone.js';

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

/**
 * The day that a week begins with.
 *
 * @useDeclaredType
 */
export type Weekday = (typeof WEEKDAYS)[number];

/** A window that begins and ends with a calendar unit: at midnight in Berlin, on Monday, on the 1st. */
export interface CalendarDefinition {
  /** The unit. Each has its own quota. */
  calendar: CalendarUnit;
  /** The zone whose clocks decide when it begins: a name from the IANA database, like `'Europe/Berlin'`. Default `'UTC'`. */
  timeZone?: string | null | undefined;
  /** The day that a week begins with, at midnight. Default `'monday'`. */
  weekStart?: Weekday | null | undefined;
  /**
   * When one of the windows begins. The others begin whole units before and after it. It is a local date `'2026-01-31'`
   * or time `'2026-01-31T09:30'` in `timeZone`, an instant (a `Date`, or text with `Z` or an offset), or for a month its
   * day, 1 to 31. Where a month lacks the day, its last day is used. Fractions of a second are dropped.
   * Default: the beginning of the unit.
   */
  anchor?: Date | string | number | null | undefined;
}

/** A unit in UTC, or in the zone named after it: `'day'`, `'month Europe/Berlin'`. */
export type CalendarText = CalendarUnit | `${CalendarUnit} ${string}`;

const KEYS = ['calendar', 'timeZone', 'weekStart', 'anchor'];

/**
 * In milliseconds: the most that a unit usually lasts, and the most that it can last. Clocks change by an hour, or by a day
 * where a zone moves across the date line.
 */
const LENGTHS: Record<CalendarUnit, readonly [usual: number, longest: number]> = {
  minute: [MINUTE, 2 * MINUTE],
  hour: [HOUR, 2 * HOUR],
  day: [DAY, 2 * DAY],
  week: [7 * DAY, 8 * DAY],
  month: [31 * DAY, 32 * DAY],
  year: [366 * DAY, 367 * DAY],
};

/** The default anchor: a Monday that is also the first day of a month and of a year. */
const MONDAY: Anchor = { local: Date.UTC(2001, 0, 1), text: '' };

/** How many windows are remembered. The store asks for two, and header fields for one by our own clock, which may be wrong. */
const MOST_KNOWN = 6;

/** Policies share a quota if their unit is the same, whatever the zone and the anchor. */
class CalendarWindow implements Window {
  readonly isCalendar = true;
  readonly length: number;
  readonly longest: number;
  readonly id: CalendarUnit;
  readonly text: string;
  /** The bounds that were computed last. Computing them is slow. */
  private known: readonly WindowBounds[] = [];

  constructor(
    private readonly unit: CalendarUnit,
    private readonly zone: TimeZone,
    private readonly anchor: Anchor,
  ) {
    this.id = unit;
    [this.length, this.longest] = LENGTHS[unit];
    // The minutes of nearly all zones are those of UTC.
    const zoneText = unit === 'minute' && zone.name === 'UTC' ? '' : zone.name;
    this.text = [unit, zoneText, anchor.text].filter((part) => part !== '').join(' ');
  }

  isFarAhead(end: number, now: number): boolean {
    return end - now > this.longest;
  }

  secondsAt(now: number): number {
    const { start, end } = this.boundsAt(now);
    return Math.ceil((end - start) / 1_000);
  }

  boundsAt(now: number): WindowBounds {
    for (const bounds of this.known) if (bounds.start <= now && now < bounds.end) return bounds;
    const bounds = boundsAround(now, this.unit, this.zone, this.anchor.local);
    this.known = [bounds, ...this.known].slice(0, MOST_KNOWN);
    return bounds;
  }
}

/** How many definitions are kept, in about 3 MB. Callers may choose the zone and the anchor, so there must be a bound. */
const MOST_KEPT = 10_000;

/** By their texts. Customers with the same definition share a window, so its boundaries are computed once. */
const kept = new Map<string, CalendarWindow>();

const TEXT = new RegExp(`^(${calendarUnits.join('|')})(?: (.*))?$`, 's');

/** Whether it is written as a calendar window, which may still be wrong: {@link calendarWindowOf} checks it. */
export function isCalendar(window: unknown): window is CalendarDefinition | CalendarText {
  if (typeof window === 'string') return TEXT.test(window);
  return typeof window === 'object' && window !== null && !Array.isArray(window) && !(window instanceof Date);
}

/**
 * The calendar window that a definition describes.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID`, or `RL_OPTION_UNKNOWN` for a misspelled field
 */
export function calendarWindowOf(definition: CalendarDefinition | CalendarText): Window {
  const given = typeof definition === 'string' ? parsed(definition) : definition;
  checkKnownKeys(given, KEYS, 'window');
  // Read once: a getter may return something else the next time.
  const { calendar, timeZone, weekStart, anchor } = given;
  const time = timeOf(anchor);
  // With kinds: 'undefined' as text is not a field that is left out, and the number of a day is not that of a date.
  const kinds = letterOf(timeZone) + letterOf(weekStart) + (time === undefined ? letterOf(anchor) : 'd');
  const read = { calendar, timeZone, weekStart, anchor };
  if (typeof calendar !== 'string' || kinds.includes('x')) return checked(read);
  const text = `${kinds} ${calendar} ${timeZone} ${weekStart} ${time ?? (anchor as string)}`;
  let window = kept.get(text);
  if (!window) {
    window = checked(read);
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value!);
    kept.set(text, window);
  }
  return window;
}

/** A letter for the kind of a field: left out, text or number. Another kind is wrong, but may look like valid text. */
function letterOf(field: unknown): '-' | 't' | 'n' | 'x' {
  if (field === undefined || field === null) return '-';
  return typeof field === 'string' ? 't' : typeof field === 'number' ? 'n' : 'x';
}

function parsed(text: string): CalendarDefinition {
  const [, calendar = '', timeZone] = TEXT.exec(text)!;
  const meant = timeZone === undefined ? undefined : meantBeginning(calendar, timeZone);
  if (meant === undefined) return { calendar: calendar as CalendarUnit, timeZone };
  throw new RateLimitError(
    'RL_WINDOW_INVALID',
    `window: only a time zone may follow the unit, as in 'day Europe/Berlin', got ${shown(text)}; write ${meant}`,
  );
}

/** The object for a text that also says when windows begin, as in messages: `week Europe/Berlin from sunday`. */
function meantBeginning(calendar: string, text: string): string | undefined {
  const [, zone, said = ''] = /^(?:(?:(\S+) )?from (?:day )?)?(\S+)$/.exec(text) ?? [];
  const timeZone = zone === undefined ? '' : ` timeZone: '${oneLine(zone)}',`;
  const day = said.toLowerCase();
  if (WEEKDAYS.includes(day as Weekday)) return `{ calendar: 'week',${timeZone} weekStart: '${day}' }`;
  if (/^\d{1,2}$/.test(said)) return `{ calendar: 'month',${timeZone} anchor: ${Number(said)} }`;
  return /^\d{4}-/.test(said) ? `{ calendar: '${calendar}',${timeZone} anchor: '${oneLine(said)}' }` : undefined;
}

function checked(definition: CalendarDefinition): CalendarWindow {
  const { calendar, timeZone } = definition;
  checkOneOf(calendar, calendarUnits, 'RL_WINDOW_INVALID', 'window: calendar');
  const zone = timeZoneOf(timeZone ?? 'UTC');
  return new CalendarWindow(calendar, zone, beginningOf(definition, zone));
}

/** When one of the windows begins. */
function beginningOf({ calendar, weekStart, anchor }: CalendarDefinition, zone: TimeZone): Anchor {
  const hasAnchor = anchor !== undefined && anchor !== null;
  if (weekStart === undefined || weekStart === null) return hasAnchor ? anchorOf(anchor, calendar, zone) : MONDAY;
  checkOneOf(weekStart, WEEKDAYS, 'RL_WINDOW_INVALID', 'window: weekStart');
  if (calendar !== 'week' || hasAnchor) {
    const conflict = calendar === 'week' ? 'an anchor, which sets it too' : `calendar: ${shown(calendar)}`;
    throw new RateLimitError(
      'RL_WINDOW_INVALID',
      `window: weekStart is the day that a week begins with, so it cannot be combined with ${conflict}; remove one of them`,
    );
  }
  const day = WEEKDAYS.indexOf(weekStart);
  return day === 0 ? MONDAY : { local: MONDAY.local + day * DAY, text: `from ${weekStart}` };
}
