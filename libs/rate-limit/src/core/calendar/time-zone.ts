import { closest } from '../closest.js';
import { DAY, SECOND } from '../duration.js';
import { RateLimitError } from '../errors.js';
import { shown } from '../shown.js';

/** How many names are kept. Callers may choose the zone, so there must be a bound. */
const MOST_NAMES = 1_000;

/**
 * The names of three letters. Node.js takes more, which are not in the database and seldom what people mean: BST is Dhaka,
 * ART Cairo, AST Anchorage.
 */
const SHORT_NAMES = ['CET', 'EET', 'EST', 'GMT', 'HST', 'MET', 'MST', 'PRC', 'ROC', 'ROK', 'UCT', 'UTC', 'WET'];

/** The longest name in the database has 32 characters. */
const LONGEST_NAME = 40;

/**
 * A time zone of the IANA database, as this process's Node.js knows it (`Intl`).
 *
 * A local time is written as a number: the milliseconds since the epoch at which a clock in UTC shows the same date and
 * time.
 */
export interface TimeZone {
  /** The name as it was given. */
  readonly name: string;
  /** What clocks in the zone show at an instant, in milliseconds since the epoch. */
  localAt(instant: number): number;
}

const UTC: TimeZone = { name: 'UTC', localAt: (instant) => instant };

class IntlZone implements TimeZone {
  constructor(
    readonly name: string,
    private readonly format: Intl.DateTimeFormat,
  ) {}

  localAt(instant: number): number {
    // In this language and calendar the numbers are month, day, year, hour, minute, second.
    const [month, day, year, hour, minute, second] = this.format.format(instant).match(/\d+/g)!.map(Number);
    return Date.UTC(year!, month! - 1, day, hour, minute, second) + modulo(instant, SECOND);
  }
}

/** By the name as it was given. Node.js ignores its case, so a zone has any number of names. */
const zones = new Map<string, TimeZone>();

/** By the proper name. A format takes about 26 KB, so all names of a zone share it. There are about 600 zones. */
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The zone of that name.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID` unless Node.js knows it
 */
export function timeZoneOf(name: unknown): TimeZone {
  if (name === 'UTC') return UTC;
  const known = zones.get(name as string);
  if (known) return known;
  const zone = isName(name) ? new IntlZone(name, formatOf(name)) : refuse(name);
  if (zones.size >= MOST_NAMES) zones.delete(zones.keys().next().value!);
  zones.set(zone.name, zone);
  return zone;
}

function isName(name: unknown): name is string {
  if (typeof name !== 'string') return false;
  // Only newer versions of Node.js take offsets, like '+02:00'.
  return name.length === 3 ? SHORT_NAMES.includes(name.toUpperCase()) : !/^[+-]/.test(name);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const format = newFormat(timeZone);
  const { timeZone: name } = format.resolvedOptions();
  const known = formats.get(name) ?? format;
  formats.set(name, known);
  return known;
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return refuse(timeZone);
  }
}

/**
 * The zone that each wrong name resembles. Finding it takes a millisecond, and callers may send a new name with each
 * request, so only the first names are looked up.
 */
const meant = new Map<string, string | undefined>();

function meantBy(name: string): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  if (!meant.has(name) && meant.size < MOST_NAMES) {
    const known = Intl.supportedValuesOf('timeZone');
    const place = name.trim().toLowerCase().replaceAll(' ', '_');
    const city = known.find((zone) => zone.toLowerCase().endsWith(`/${place}`));
    meant.set(name, city ?? closest(place, known));
  }
  return meant.get(name);
}

function refuse(name: unknown): never {
  const similar = typeof name === 'string' ? meantBy(name) : undefined;
  const isOffset = typeof name === 'string' && /^(?:UTC|GMT)?[+-]\d/i.test(name);
  throw new RateLimitError(
    'RL_WINDOW_INVALID',
    `window: timeZone must be a name of the IANA time zone database, like 'Europe/Berlin' or 'UTC', got ${shown(name)}` +
      (isOffset ? '; an offset has no summer time' : similar ? `; did you mean '${similar}'?` : ''),
  );
}

/**
 * The first instant at which clocks in the zone show this local time, or a later one because they were set forward past
 * it. If the time comes twice, it is the first of the two.
 */
export function instantOf(zone: TimeZone, local: number): number {
  const [before, after] = [offsetAt(zone, local - DAY), offsetAt(zone, local + DAY)];
  const early = local - Math.max(before, after);
  if (before === after || zone.localAt(early) >= local) return early;
  return firstBetween(early, local - Math.min(before, after), (instant) => zone.localAt(instant) >= local);
}

/** How far the zone is ahead of UTC at an instant, in milliseconds. */
export const offsetAt = (zone: TimeZone, instant: number): number => zone.localAt(instant) - instant;

/** The first whole second after `from` at which something is true, if it is true from then on until `to`. */
export function firstBetween(from: number, to: number, is: (instant: number) => boolean): number {
  let [no, yes] = [from, to];
  while (yes - no > SECOND) {
    // Rounded up, so that it is always past `no`: `to` need not be a whole second.
    const middle = no + Math.ceil((yes - no) / (2 * SECOND)) * SECOND;
    if (is(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

/** The remainder that is not negative, for times before 1970 too. */
export const modulo = (dividend: number, divisor: number): number => ((dividend % divisor) + divisor) % divisor;
