import fc from 'fast-check';
import { calendarWindowOf, type CalendarDefinition } from '../../libs/rate-limit/src/core/calendar/calendar-window.js';
import { boundsAround, calendarUnits } from '../../libs/rate-limit/src/core/calendar/grid.js';
import { timeZoneOf } from '../../libs/rate-limit/src/core/calendar/time-zone.js';
import { changesBetween, localTextAt, windowByTemporal } from '../support/temporal-windows.js';

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FROM = Date.UTC(1990, 0);
const TO = Date.UTC(2090, 0);
/** Later changes are like those of the years before, except in Morocco. */
const REGULAR = Date.UTC(2040, 0);

const aliases = ['EST5EDT', 'US/Eastern', 'Asia/Kolkata', 'Etc/GMT+12', 'Etc/GMT-14', 'GMT', 'UTC', 'europe/berlin'];
const zones = [...new Set([...Intl.supportedValuesOf('timeZone'), ...aliases])];

const known = new Map<string, readonly number[]>();
function changesOf(zone: string): readonly number[] {
  const changes = known.get(zone) ?? changesBetween(FROM, REGULAR, zone);
  known.set(zone, changes);
  return changes;
}

/** For a minute on a quiet core, in place of some seconds: TEST_LONG=1. */
const thoroughness = process.env.TEST_LONG ? 10 : 1;

interface Situation {
  definition: CalendarDefinition;
  /** What is asked for: instants around a change of the zone's clocks, or anywhere. */
  instants: number[];
}

const spans = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, 1, -1, HOUR / 2, -HOUR / 2, HOUR, -HOUR, HOUR - 1, DAY, -DAY, -DAY - 1) },
  { weight: 1, arbitrary: fc.integer({ min: -2 * DAY, max: 2 * DAY }) },
);

function situationsIn(timeZone: string, changes: readonly number[], length: number): fc.Arbitrary<Situation> {
  const anywhere = fc.integer({ min: FROM, max: TO });
  const around =
    changes.length === 0 ? anywhere : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...changes) }, anywhere);
  return around.chain((moment) =>
    fc.record({
      definition: definitionsIn(timeZone, moment),
      instants: fc.array(
        spans.map((span) => moment + span),
        { minLength: length, maxLength: length },
      ),
    }),
  );
}

/** Any definition. Its anchor often is a local time that the change of clocks skips or repeats. */
function definitionsIn(timeZone: string, change: number): fc.Arbitrary<CalendarDefinition> {
  const shortlyBefore = Date.parse(`${localTextAt(change - SECOND, timeZone)}Z`);
  const anchors = fc.oneof(
    fc.constantFrom(undefined, null, '2024-02-29', '2026-01-31', '2025-12-31T23:59:59', '2026-01-01T00:30'),
    fc.integer({ min: -HOUR, max: 2 * HOUR }).map((span) => new Date(shortlyBefore + span).toISOString().slice(0, 19)),
    spans.map((span) => new Date(change + span)),
    spans.map((span) => `${new Date(change + span + HOUR).toISOString().slice(0, 19)}+01:00`),
  );
  return fc.constantFrom(...calendarUnits).chain((calendar): fc.Arbitrary<CalendarDefinition> => {
    const anchored = anchors.map((anchor) => ({ calendar, timeZone, anchor }));
    if (calendar === 'month') {
      const days = fc.integer({ min: 1, max: 31 });
      return fc.oneof(
        anchored,
        days.map((anchor) => ({ calendar, timeZone, anchor })),
      );
    }
    if (calendar !== 'week') return anchored;
    const weekdays = fc.constantFrom('monday', 'thursday', 'saturday', 'sunday');
    return fc.oneof(
      anchored,
      weekdays.map((weekStart) => ({ calendar, timeZone, weekStart })),
    );
  });
}

/** A property of situations in every zone. A failure names the zone, in its counterexample. */
function inEveryZone(runs: number, length: number, holds: (situation: Situation) => void): void {
  for (const zone of zones) {
    fc.assert(fc.property(situationsIn(zone, changesOf(zone), length), holds), { numRuns: runs * thoroughness });
  }
}

describe('a calendar window, in every zone and around its changes of clocks', () => {
  it('has the bounds that Temporal gives it, in whatever order they are asked for', () => {
    inEveryZone(8, 3, ({ definition, instants }) => {
      const window = calendarWindowOf(definition);
      for (const instant of instants) {
        expect({ instant, ...window.boundsAt(instant) }).toEqual({ instant, ...windowByTemporal(instant, definition) });
      }
    });
  });

  it('begins when the one before ends, has the same bounds at every moment in it, and is never longer than the longest', () => {
    inEveryZone(8, 2, ({ definition: { calendar, timeZone, anchor }, instants: [instant, other] }) => {
      const moment = anchor instanceof Date ? anchor.getTime() : other!;
      const local = Math.floor(moment / SECOND) * SECOND;
      const boundsAt = (now: number) => boundsAround(now, calendar, timeZoneOf(timeZone), local);

      const { start, end } = boundsAt(instant!);
      expect(start <= instant! && instant! < end).toBe(true);
      expect(end - start).toBeLessThanOrEqual(calendarWindowOf({ calendar }).longest);
      for (const now of [start, start + 1, start + Math.floor((end - start) / 2), end - 1]) {
        expect(boundsAt(now)).toEqual({ start, end });
      }
      expect(boundsAt(start - 1).end).toBe(start);
      expect(boundsAt(end).start).toBe(end);
    });
  });
});
