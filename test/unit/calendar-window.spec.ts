import { runInNewContext } from 'node:vm';
import { jest } from '@jest/globals';
import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { timeZoneOf } from '../../libs/rate-limit/src/core/calendar/time-zone.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { windowOf, type WindowDefinition } from '../../libs/rate-limit/src/core/window-of.js';

/** A definition, a moment (UTC), and when its window begins and ends. */
type Row = [window: WindowDefinition, at: string, start: string, end: string];

const HOUR = 3_600_000;

/** `2026-03-29T12`, with zeros for what is left out. */
const instant = (text: string): number => Date.parse(`${text}${'0000-01-01T00:00:00Z'.slice(text.length)}`);

const bounds = (rows: Row[]): void => {
  for (const [window, at, start, end] of rows) {
    const found = windowOf(window).boundsAt(instant(at));
    const texts = [found.start, found.end].map((time) => new Date(time).toISOString());
    expect([window, at, ...texts]).toEqual([
      window,
      at,
      ...[start, end].map((text) => new Date(instant(text)).toISOString()),
    ]);
  }
};

const hoursAt = (window: WindowDefinition, at: string): number => {
  const { start, end } = windowOf(window).boundsAt(instant(at));
  return (end - start) / HOUR;
};

const said = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
};

class Moment {
  toJSON = (): string => '2026-01-31T09:30:00.000Z';
}

class DateTime {
  toISO = (): string => '2026-01-31T09:30:00.000Z';
}

describe('a calendar window', () => {
  it('is the unit in UTC, unless it names a zone', () => {
    bounds([
      ['minute', '2026-07-15T10:20:30', '2026-07-15T10:20', '2026-07-15T10:21'],
      ['hour', '2026-07-15T10:20:30', '2026-07-15T10', '2026-07-15T11'],
      ['day', '2026-07-15T10:20:30', '2026-07-15', '2026-07-16'],
      ['week', '2026-07-15T10:20:30', '2026-07-13', '2026-07-20'],
      ['month', '2026-07-15T10:20:30', '2026-07', '2026-08'],
      ['year', '2026-07-15T10:20:30', '2026', '2027'],
      ['month Europe/Berlin', '2026-07-15', '2026-06-30T22', '2026-07-31T22'],
      [{ calendar: 'month', timeZone: 'Europe/Berlin' }, '2026-07-15', '2026-06-30T22', '2026-07-31T22'],
      [{ calendar: 'day', timeZone: null, anchor: null, weekStart: null }, '2026-07-15', '2026-07-15', '2026-07-16'],
    ]);
  });

  it('begins with its first moment and ends before that of the next', () => {
    const [last, first] = [instant('2026-07-15') - 1, instant('2026-07-15')];
    expect(windowOf('day').boundsAt(last).end).toBe(first);
    expect(windowOf('day').boundsAt(first).start).toBe(first);
  });

  it('has 23 or 25 hours in Berlin when clocks are set', () => {
    bounds([
      ['day Europe/Berlin', '2026-03-29T12', '2026-03-28T23', '2026-03-29T22'],
      ['day Europe/Berlin', '2026-10-25T12', '2026-10-24T22', '2026-10-25T23'],
      ['week Europe/Berlin', '2026-03-29T12', '2026-03-22T23', '2026-03-29T22'],
    ]);
    expect(hoursAt('day Europe/Berlin', '2026-03-29T12')).toBe(23);
    expect(hoursAt('day Europe/Berlin', '2026-10-25T12')).toBe(25);
  });

  it('begins when clocks are set forward past its beginning', () => {
    bounds([
      // There was no midnight: 23:59:59 was followed by 01:00:00.
      ['day America/Sao_Paulo', '2018-11-04T12', '2018-11-04T03', '2018-11-05T02'],
      ['day Asia/Beirut', '2026-03-29T12', '2026-03-28T22', '2026-03-29T21'],
      ['day Africa/Cairo', '2026-04-24T12', '2026-04-23T22', '2026-04-24T21'],
      ['day Atlantic/Azores', '2026-03-29T12', '2026-03-29T01', '2026-03-30T00'],
    ]);
  });

  it('ends at the midnight that comes, when clocks are set back just before it', () => {
    bounds([
      ['day America/Sao_Paulo', '2018-02-17T12', '2018-02-17T02', '2018-02-18T03'],
      ['day Africa/Cairo', '2026-10-29T12', '2026-10-28T21', '2026-10-29T22'],
    ]);
  });

  it('has ended for good, even if clocks are set back to show it again', () => {
    // At 00:01 it was 23:01 again, of 6 November.
    bounds([['day America/Goose_Bay', '2010-11-07T03:30', '2010-11-07T03', '2010-11-08T04']]);
  });

  it('begins at the first of two midnights', () => {
    bounds([
      ['day Atlantic/Azores', '2026-10-25T00', '2026-10-25T00', '2026-10-26T01'],
      ['day Atlantic/Azores', '2026-10-25T01:30', '2026-10-25T00', '2026-10-26T01'],
    ]);
  });

  it('follows zones that are not whole hours from UTC', () => {
    bounds([
      ['day Asia/Kolkata', '2026-06-15T12', '2026-06-14T18:30', '2026-06-15T18:30'],
      ['hour Asia/Kolkata', '2026-06-15T12', '2026-06-15T11:30', '2026-06-15T12:30'],
      ['hour Asia/Kathmandu', '2026-06-15T12', '2026-06-15T11:15', '2026-06-15T12:15'],
      ['minute Asia/Kathmandu', '2026-06-15T12', '2026-06-15T12', '2026-06-15T12:01'],
    ]);
  });

  it('follows zones far from UTC, into another year', () => {
    bounds([
      ['day Pacific/Kiritimati', '2026-12-31T12', '2026-12-31T10', '2027-01-01T10'],
      ['year Pacific/Kiritimati', '2026-12-31T12', '2026-12-31T10', '2027-12-31T10'],
      ['year Etc/GMT+12', '2027-01-01T06', '2026-01-01T12', '2027-01-01T12'],
    ]);
  });

  it('is real time for hours and minutes: an hour that clocks show twice is two windows', () => {
    bounds([
      ['hour Europe/Berlin', '2026-10-25T00:30', '2026-10-25T00', '2026-10-25T01'],
      ['hour Europe/Berlin', '2026-10-25T01:30', '2026-10-25T01', '2026-10-25T02'],
      // 01:30 to 03:30: one hour.
      [
        { calendar: 'hour', timeZone: 'Europe/Berlin', anchor: '2026-01-01T00:30' },
        '2026-03-29T01:15',
        '2026-03-29T00:30',
        '2026-03-29T01:30',
      ],
    ]);
  });

  it('is half an hour, or an hour and a half, on Lord Howe Island when clocks are set', () => {
    // First, while nothing is known: the search for the moment has not a whole second left.
    const shortlyAfter = instant('2026-10-03T15:30') + 1;
    expect(windowOf('hour Australia/Lord_Howe').boundsAt(shortlyAfter).start).toBe(shortlyAfter - 1);
    bounds([
      ['hour Australia/Lord_Howe', '2026-10-03T15:45', '2026-10-03T15:30', '2026-10-03T16'],
      ['hour Australia/Lord_Howe', '2026-04-04T15:15', '2026-04-04T14', '2026-04-04T15:30'],
      ['day Australia/Lord_Howe', '2026-10-04T00', '2026-10-03T13:30', '2026-10-04T13'],
    ]);
  });

  it('does not exist for a day that a zone has skipped', () => {
    bounds([
      // Samoa went from 29 to 31 December.
      ['day Pacific/Apia', '2011-12-30T09', '2011-12-29T10', '2011-12-30T10'],
      ['day Pacific/Apia', '2011-12-30T10', '2011-12-30T10', '2011-12-31T10'],
      [{ calendar: 'month', timeZone: 'Pacific/Apia', anchor: 30 }, '2011-12-30T10', '2011-12-30T10', '2012-01-29T10'],
    ]);
    expect(hoursAt('week Pacific/Apia', '2011-12-28')).toBe(6 * 24);
  });

  it('begins a week on the day that `weekStart` names', () => {
    bounds([
      [{ calendar: 'week', weekStart: 'monday' }, '2026-01-07', '2026-01-05', '2026-01-12'],
      [{ calendar: 'week', weekStart: 'sunday' }, '2026-01-07', '2026-01-04', '2026-01-11'],
      [{ calendar: 'week', weekStart: 'saturday' }, '2026-01-07', '2026-01-03', '2026-01-10'],
      [{ calendar: 'week', weekStart: 'wednesday' }, '2026-01-07', '2026-01-07', '2026-01-14'],
    ]);
  });

  it('may be long ago or far away', () => {
    bounds([
      ['day', '1969-07-20T20:17', '1969-07-20', '1969-07-21'],
      ['month Europe/Berlin', '1969-12-31T23:30', '1969-12-31T23', '1970-01-31T23'],
      ['month', '2100-02-10', '2100-02', '2100-03'],
      ['year Europe/Berlin', '2400-02-29', '2399-12-31T23', '2400-12-31T23'],
    ]);
  });
});

describe('the anchor of a window', () => {
  it('is the day of the month, and the last day of a month that lacks it', () => {
    bounds([
      [{ calendar: 'month', anchor: 15 }, '2026-02-14', '2026-01-15', '2026-02-15'],
      [{ calendar: 'month', anchor: 31 }, '2026-02-27', '2026-01-31', '2026-02-28'],
      [{ calendar: 'month', anchor: 31 }, '2026-02-28', '2026-02-28', '2026-03-31'],
      [{ calendar: 'month', anchor: 31 }, '2026-04-15', '2026-03-31', '2026-04-30'],
      [{ calendar: 'month', anchor: 31 }, '2028-02-29', '2028-02-29', '2028-03-31'],
      [{ calendar: 'month', anchor: '2025-08-31' }, '2026-02-28', '2026-02-28', '2026-03-31'],
    ]);
  });

  it('is a date, from which windows are counted both ways', () => {
    bounds([
      [{ calendar: 'year', anchor: '2024-02-29' }, '2026-06', '2026-02-28', '2027-02-28'],
      [{ calendar: 'year', anchor: '2024-02-29' }, '2028-02-28', '2027-02-28', '2028-02-29'],
      [{ calendar: 'year', anchor: '2024-02-29' }, '2028-06', '2028-02-29', '2029-02-28'],
      [{ calendar: 'year', anchor: '2024-02-29' }, '2000-02-28', '1999-02-28', '2000-02-29'],
      [{ calendar: 'year', anchor: '2026-04-06' }, '2026-04-05', '2025-04-06', '2026-04-06'],
      [{ calendar: 'week', anchor: '2026-01-07' }, '2026-01-13', '2026-01-07', '2026-01-14'],
      [{ calendar: 'week', anchor: '2026-01-07' }, '2026-01-06', '2025-12-31', '2026-01-07'],
    ]);
  });

  it('is a local time, which stays when clocks are set', () => {
    const from = (anchor: string): WindowDefinition => ({ calendar: 'day', timeZone: 'Europe/Berlin', anchor });
    bounds([
      [from('2026-01-01T09:30'), '2026-01-05T08', '2026-01-04T08:30', '2026-01-05T08:30'],
      [from('2026-01-01T09:30'), '2026-07-05T07', '2026-07-04T07:30', '2026-07-05T07:30'],
      // 02:30 does not exist, and comes twice.
      [from('2026-01-01T02:30'), '2026-03-29T01', '2026-03-29T01', '2026-03-30T00:30'],
      [from('2026-01-01T02:30'), '2026-10-25T01:45', '2026-10-25T00:30', '2026-10-26T01:30'],
    ]);
    bounds([
      [
        { calendar: 'minute', anchor: '2026-01-01T00:00:15' },
        '2026-07-01T12:00:10',
        '2026-07-01T11:59:15',
        '2026-07-01T12:00:15',
      ],
    ]);
  });

  it('is an instant, at the local time that the zone had then', () => {
    const timeZone = 'America/New_York';
    const start = new Date('2026-01-31T09:30:15.999Z');
    bounds([
      [{ calendar: 'month', timeZone, anchor: start }, '2026-02-10', '2026-01-31T09:30:15', '2026-02-28T09:30:15'],
      [{ calendar: 'month', timeZone, anchor: start }, '2026-03-20', '2026-02-28T09:30:15', '2026-03-31T08:30:15'],
      [
        { calendar: 'month', anchor: '2026-01-31T23:30:00-05:00' },
        '2026-02-10',
        '2026-02-01T04:30',
        '2026-03-01T04:30',
      ],
      [{ calendar: 'month', anchor: '2026-01-31T23:30-0500' }, '2026-02-10', '2026-02-01T04:30', '2026-03-01T04:30'],
      // As databases write it.
      [{ calendar: 'month', anchor: '2026-01-31 23:30:00-05' }, '2026-02-10', '2026-02-01T04:30', '2026-03-01T04:30'],
      [{ calendar: 'month', anchor: '2026-01-31 23:30:00Z' }, '2026-02-10', '2026-01-31T23:30', '2026-02-28T23:30'],
    ]);
  });

  it('may be a date of another realm, or be made and used while a test has set the clock', () => {
    const made = { calendar: 'month', anchor: runInNewContext('new Date("2026-01-15")') as Date } as const;
    bounds([[made, '2026-02-14', '2026-01-15', '2026-02-15']]);
    jest.useFakeTimers({ now: 0 });
    try {
      bounds([
        [
          { calendar: 'month', timeZone: 'Asia/Tokyo', anchor: new Date('2026-01-15') },
          '2026-02-14',
          '2026-01-15',
          '2026-02-15',
        ],
        ['day Asia/Tokyo', '1970-01-01', '1969-12-31T15', '1970-01-01T15'],
      ]);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('how a calendar window is known', () => {
  it.each([
    ['day', 'day', 'day UTC'],
    ['day UTC', 'day', 'day UTC'],
    ['day Europe/Berlin', 'day', 'day Europe/Berlin'],
    // The minute is the same in all zones.
    ['minute', 'minute', 'minute'],
    [{ calendar: 'week', weekStart: 'monday' }, 'week', 'week UTC'],
    [{ calendar: 'week', weekStart: 'sunday' }, 'week', 'week UTC from sunday'],
    [{ calendar: 'month', anchor: 15 }, 'month', 'month UTC from day 15'],
    [{ calendar: 'year', anchor: '2024-02-29' }, 'year', 'year UTC from 2024-02-29'],
    [{ calendar: 'day', anchor: '2026-01-01T09:30' }, 'day', 'day UTC from 2026-01-01T09:30:00'],
    [
      { calendar: 'month', timeZone: 'Asia/Tokyo', anchor: new Date(0) },
      'month',
      'month Asia/Tokyo from 1970-01-01T09:00:00',
    ],
  ] as [WindowDefinition, string, string][])(
    '%j has the id %s, its unit alone, and is written %s',
    (window, id, text) => {
      const period = windowOf(window);
      expect([period.id, period.text, period.isCalendar]).toEqual([id, text, true]);
      expect(definePolicy({ name: 'p', limit: 1, window }).id).toBe(`p:fw${id}`);
    },
  );

  it.each([
    ['minute', 60, 60, 120],
    ['hour', 3_600, 3_600, 7_200],
    ['day', 86_400, 86_400, 2 * 86_400],
    ['week', 7 * 86_400, 7 * 86_400, 8 * 86_400],
    ['month', 28 * 86_400, 31 * 86_400, 32 * 86_400],
    ['year', 365 * 86_400, 366 * 86_400, 367 * 86_400],
  ] as const)(
    'a %s lasts %d s in February 2026, usually %d s at most, and never more than %d s',
    (unit, now, usual, longest) => {
      const period = windowOf(unit);
      expect(period.secondsAt(instant('2026-02-10'))).toBe(now);
      expect([period.length, period.longest]).toEqual([usual * 1_000, longest * 1_000]);
      expect(period.isFarAhead(longest * 1_000, 0)).toBe(false);
      expect(period.isFarAhead(longest * 1_000 + 1, 0)).toBe(true);
    },
  );

  it('is the same object for the same definition, and forgotten after 10,000 others', () => {
    const own = { calendar: 'month', anchor: '1999-01-01' } as const;
    const first = windowOf(own);
    expect(windowOf({ ...own })).toBe(first);
    for (let i = 0; i < 10_000; i++) windowOf({ calendar: 'month', anchor: new Date(i * 1_000) });
    expect(windowOf(own)).not.toBe(first);
    expect(windowOf(own).text).toBe(first.text);
  });

  it('shares what is large about a zone with its names in upper and lower case', () => {
    const formatOf = (name: string) => (timeZoneOf(name) as unknown as { format: object }).format;
    expect(formatOf('EUROPE/berlin')).toBe(formatOf('Europe/Berlin'));
    expect(formatOf('Europe/Paris')).not.toBe(formatOf('Europe/Berlin'));
    bounds([['day eUROPE/bERLIN', '2026-07-15', '2026-07-14T22', '2026-07-15T22']]);
  });

  it('is read once from a definition, which may be frozen', () => {
    let reads = 0;
    const changing = {
      get calendar() {
        return reads++ === 0 ? ('day' as const) : ('year' as const);
      },
    };
    expect(windowOf(changing).text).toBe('day UTC');
    expect(windowOf(Object.freeze({ calendar: 'day' }))).toBe(windowOf('day'));
  });
});

describe('a wrong calendar window', () => {
  const units = 'RL_WINDOW_INVALID: window: calendar must be one of minute, hour, day, week, month, year, got';
  const zone = `RL_WINDOW_INVALID: window: timeZone must be a name of the IANA time zone database, like 'Europe/Berlin' or 'UTC', got`;
  const weekdays =
    'RL_WINDOW_INVALID: window: weekStart must be one of monday, tuesday, wednesday, thursday, friday, saturday, sunday, got';
  const weekStart =
    'RL_WINDOW_INVALID: window: weekStart is the day that a week begins with, so it cannot be combined with';
  const behind = "RL_WINDOW_INVALID: window: only a time zone may follow the unit, as in 'day Europe/Berlin', got";
  const keys = 'takes calendar, timeZone, weekStart, anchor';

  it.each([
    [{}, `${units} undefined`],
    [{ calendar: 'Day' }, `${units} "Day"; did you mean 'day'?`],
    [{ calendar: 'constructor' }, `${units} "constructor"`],
    [{ calendar: '__proto__' }, `${units} "__proto__"`],
    [{ calendar: ['day'] }, `${units} ["day"]`],
    [new Map(), `${units} undefined`],
    [
      { calendar: 'day', timezone: 'UTC' },
      `RL_OPTION_UNKNOWN: window has no option "timezone"; did you mean timeZone? It ${keys}`,
    ],
    [{ calendar: 'day', tz: 'UTC' }, `RL_OPTION_UNKNOWN: window has no option "tz"; it ${keys}`],
    ['day Europe/Berln', `${zone} "Europe/Berln"; did you mean 'Europe/Berlin'?`],
    ['day  Europe/Berlin', `${zone} " Europe/Berlin"; did you mean 'Europe/Berlin'?`],
    ['day ', `${zone} ""`],
    ['day berlin', `${zone} "berlin"; did you mean 'Europe/Berlin'?`],
    ['day Mars/Olympus', `${zone} "Mars/Olympus"`],
    // Node.js takes these for Dhaka and Chicago. They are not in the database.
    ['day BST', `${zone} "BST"`],
    [{ calendar: 'day', timeZone: 'cst' }, `${zone} "cst"`],
    // Text made of a value that is missing.
    ['day undefined', `${zone} "undefined"`],
    [{ calendar: 'day', timeZone: 'null' }, `${zone} "null"`],
    [{ calendar: 'day', timeZone: '+01:00' }, `${zone} "+01:00"; an offset has no summer time`],
    ['day UTC+1', `${zone} "UTC+1"; an offset has no summer time`],
    ['day New York', `${zone} "New York"; did you mean 'America/New_York'?`],
    // As messages and the boot summary write a window.
    [
      'week Europe/Berlin from sunday',
      `${behind} "week Europe/Berlin from sunday"; write { calendar: 'week', timeZone: 'Europe/Berlin', weekStart: 'sunday' }`,
    ],
    [
      'month UTC from day 15',
      `${behind} "month UTC from day 15"; write { calendar: 'month', timeZone: 'UTC', anchor: 15 }`,
    ],
    [
      'year UTC from 2026-04-01',
      `${behind} "year UTC from 2026-04-01"; write { calendar: 'year', timeZone: 'UTC', anchor: '2026-04-01' }`,
    ],
    ['week Sunday', `${behind} "week Sunday"; write { calendar: 'week', weekStart: 'sunday' }`],
    [{ calendar: 'day', timeZone: 'Europe/Berlin\n' }, `${zone} "Europe/Berlin\\n"; did you mean 'Europe/Berlin'?`],
    [{ calendar: 'day', timeZone: 'x'.repeat(1_000) }, `${zone} "${'x'.repeat(78)}…`],
    [{ calendar: 'day', timeZone: 1 }, `${zone} 1`],
    [{ calendar: 'day', timeZone: ['Europe/Berlin'] }, `${zone} ["Europe/Berlin"]`],
    [{ calendar: 'day', timeZone: Object.create(null) as object }, `${zone} {}`],
    [{ calendar: 'day', timeZone: Symbol('UTC') }, `${zone} Symbol(UTC)`],
    [{ calendar: 'week', weekStart: 'Mon' }, `${weekdays} "Mon"`],
    [{ calendar: 'week', weekStart: 1 }, `${weekdays} 1`],
    [{ calendar: 'day', weekStart: 'monday' }, `${weekStart} calendar: "day"; remove one of them`],
    [
      { calendar: 'week', weekStart: 'monday', anchor: '2026-01-01' },
      `${weekStart} an anchor, which sets it too; remove one of them`,
    ],
  ])('%j is refused', (window, message) => {
    // These are known, so that nothing may pass for one of them.
    for (const known of ['day', 'week', 'day Europe/Berlin']) windowOf(known as 'day');
    expect(said(() => windowOf(window as never))).toBe(message);
  });

  const anchored = `RL_WINDOW_INVALID: window: anchor must be a date like '2026-01-31' or '2026-01-31T09:30', an instant (a Date, or '2026-01-31T09:30:00Z') of the years 1900 to 9999, or with calendar: 'month' a day from 1 to 31, got`;

  it.each([
    ['0', 0],
    ['32', 32],
    ['1.5', 1.5],
    ['NaN', NaN],
    ['1700000000000 (if that is a time, use new Date(…))', 1_700_000_000_000],
    ['1700000000 (if that is a time in seconds, use new Date(1000 * …))', 1_700_000_000],
    ['"20260131"', '20260131'],
    ['"06:00" (with any date: \'2026-01-01T06:00\')', '06:00'],
    ['"15" (it is text: use Number(…))', '15'],
    ['""', ''],
    ['"2026-02-30"', '2026-02-30'],
    ['"2025-02-29T12:00Z"', '2025-02-29T12:00Z'],
    ['"2026-1-31"', '2026-1-31'],
    ['"2026-01-31  09:30"', '2026-01-31  09:30'],
    ['"2026-01-31T24:00"', '2026-01-31T24:00'],
    ['"2026-01-31T09:30+99:00"', '2026-01-31T09:30+99:00'],
    ['"2026-01-31T09:30:00.1234567890Z"', '2026-01-31T09:30:00.1234567890Z'],
    ['"0001-01-01T00:00:00Z"', '0001-01-01T00:00:00Z'],
    ['Invalid Date', new Date(NaN)],
    ['"+275760-09-13T00:00:00.000Z"', new Date(8.64e15)],
    // A date of a library is written like text that would do.
    ['an object of Moment', new Moment()],
    ['an object of DateTime (use its toISO())', new DateTime()],
    ['an object of Date', Object.create(Date.prototype)],
    ['a list of 1', ['2026-01-31']],
    ['true', true],
    ['5n', 5n],
  ])('an anchor is refused that is %s', (got, anchor) => {
    expect(said(() => windowOf({ calendar: 'month', anchor: anchor as never }))).toBe(`${anchored} ${got}`);
  });

  it('has a day of the month for another unit', () => {
    expect(said(() => windowOf({ calendar: 'week', anchor: 15 }))).toBe(`${anchored} 15`);
  });

  it.each(algorithmNames.filter((name) => name !== 'fixed-window'))('is any calendar window for %s', (algorithm) => {
    const window = { calendar: 'day', timeZone: 'Europe/Berlin' } as const;
    expect(said(() => definePolicy({ name: 'p', limit: 1, window, algorithm }))).toBe(
      `RL_WINDOW_INVALID: ${algorithm} does not take calendar windows ("day Europe/Berlin"); use fixed-window, or a span like '1d'`,
    );
  });

  // Callers may send a new one with each request, and a search for what it means takes a millisecond. Last: it uses them up.
  it('is one of many unknown zones: after 1,000 names no similar ones are looked for', () => {
    const similar = (name: string) => /did you mean '(.*)'/.exec(said(() => windowOf(`day ${name}`)))?.[1];
    expect(similar('Europe/Rom')).toBe('Europe/Rome');
    for (let i = 0; i < 1_000; i++) said(() => windowOf(`day ${i}x`));
    expect([similar('Europe/Rom'), similar('Europe/Pari')]).toEqual(['Europe/Rome', undefined]);
  });
});
