import fc from 'fast-check';
import { fixedWindow, type FixedWindowState } from '../../libs/rate-limit/src/core/algorithms/fixed-window.js';
import { calendarUnits } from '../../libs/rate-limit/src/core/calendar/grid.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { ownServer } from '../support/redis/own-server.js';

/** As in lua/calendar-window.lua. */
const EPOCH = 1_735_689_600_000;
const UNITS = 2 ** 22;

const own = ownServer();

const recordOf = ({ end, used }: FixedWindowState): Buffer => {
  const record = Buffer.alloc(24);
  [0, end, used].forEach((number, i) => record.writeDoubleLE(number, 8 * i));
  return record;
};
const counterOf = ({ end, used }: FixedWindowState): string =>
  String((BigInt(end - EPOCH) / 1_000n) * BigInt(UNITS) + BigInt(used));

function readState(stored: Buffer | null): FixedWindowState | undefined {
  if (!stored) return undefined;
  if (stored.length === 24) return { end: stored.readDoubleLE(8), used: stored.readDoubleLE(16) };
  const counter = BigInt(stored.toString());
  return { end: Number(counter / BigInt(UNITS)) * 1_000 + EPOCH, used: Number(counter % BigInt(UNITS)) };
}

const EDGES = [0, 1, 5, 100, 8_191, UNITS - 2, UNITS - 1, UNITS, UNITS + 1, 3 * UNITS];

const cases = fc.record({
  unit: fc.constantFrom(...calendarUnits),
  timeZone: fc.constantFrom('UTC', 'Asia/Kolkata', 'Europe/Berlin'),
  limit: fc.constantFrom(...EDGES, 1e12),
  // In the middle of the years that counters can hold, and around the first and the last end of one.
  now: fc.constantFrom(1_800_000_000_000, 1_752_466_816_000, 3_883_173_246_000),
  moved: fc.integer({ min: -1e9, max: 1e9 }),
  /** When the state ends: in lengths of the longest window, and some ms. */
  ahead: fc.oneof(fc.constantFrom(0, 1, 2, -1), fc.double({ min: -1, max: 3, noNaN: true })),
  by: fc.constantFrom(-1_000, -1, 0, 1, 1_000),
  used: fc.constantFrom(...EDGES),
  layout: fc.constantFrom('none', 'counter', 'counter', 'record'),
  cost: fc.oneof({ weight: 2, arbitrary: fc.constant(1) }, fc.constantFrom(...EDGES, 2, -1, -5, -UNITS)),
  isAlone: fc.boolean(),
});

it('the script judges any state of a calendar window as its twin does, and leaves the same state', async () => {
  let now = 0;
  const store = new RedisStore(own.client, { now: () => now, timeout: 10_000 });
  const beside = definePolicy({ name: 'beside', limit: 1, window: '1h' });
  await fc.assert(
    fc.asyncProperty(cases, async ({ unit, timeZone, limit, moved, ahead, by, used, layout, cost, isAlone, ...at }) => {
      now = at.now + moved;
      const policy = definePolicy({ name: 'p', limit, window: { calendar: unit, timeZone } });
      const key = `rl:{k}:${policy.id}`;
      const end = Math.round(now + ahead * policy.period.longest + by);
      const kept = layout === 'counter' ? { end: Math.ceil(end / 1_000) * 1_000, used: used % UNITS } : { end, used };
      // A counter of another time was not written by this library.
      fc.pre(layout !== 'counter' || (kept.end >= 1_752_466_816_000 && kept.end < 3_883_173_247_000));

      await own.client.del(key);
      if (layout !== 'none')
        await own.client.set(key, layout === 'counter' ? counterOf(kept) : recordOf(kept), 'PX', 60_000);
      const state = layout === 'none' ? undefined : kept;
      const { state: left, ...expected } = fixedWindow.judge(policy, state, cost, now);
      const hits = [{ policy, key: 'k', cost }];
      const asked = store.consume(hits);
      if (!isAlone) await store.consume([{ policy: beside, key: 'k', cost: 0 }]);
      expect((await asked)[0]).toMatchObject(expected);
      // A state that is over may stay when nothing is charged.
      const stored = await own.client.getBuffer(key);
      if (left || !state) expect(readState(stored)).toEqual(left);
      if (stored) expect(await own.client.pttl(key)).toBeGreaterThan(0);
    }),
    { numRuns: 2_000 },
  );
}, 60_000);
