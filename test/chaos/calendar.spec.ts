import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision } from '../../libs/rate-limit/src/core/decision.js';
import { definePolicy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { describeWith, startWithFakeTime } from '../support/redis/faketime.js';
import { everyKey } from '../exactness/stored-keys.js';
import { CalendarProcesses, type Claim, type Seen } from './calendar-processes.js';

/*
 * The clock of a Redis crosses calendar boundaries while four processes spend. Only this clock decides: three of the
 * processes have a wrong one.
 */

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
/** How long before and after a boundary the processes spend, in milliseconds. */
const MARGIN = 400;

const berlin = { calendar: 'day', timeZone: 'Europe/Berlin' } as const;
const daily = (name: string, limit: number, window: PolicyDefinition['window'] = berlin): PolicyDefinition => ({
  name,
  limit,
  window,
});

const faked = await startWithFakeTime();
let client: ReturnType<typeof connectTo>;
/** By how many milliseconds the clock of the server is ahead of this machine's. */
let ahead = 0;
const setClock = async (time: number): Promise<void> => {
  ahead = time - Date.now();
  await faked!.shift(ahead / SECOND);
};
beforeEach(async () => {
  await setClock(Date.now());
  client = connectTo(faked!.server.url);
  await client.flushall();
});
afterEach(closeClients);
afterAll(() => faked?.server.stop());

/** Every key is kept until its window ends, to the second. */
async function expectToEnd(at: number): Promise<void> {
  const [seconds, micros] = await client.time();
  const now = Number(seconds) * SECOND + Number(micros) / SECOND;
  const lives = await everyKey(client);
  expect(lives.length).toBeGreaterThan(0);
  for (const { key, life } of lives) expect([key, Math.abs(now + life - at) < SECOND]).toEqual([key, true]);
}

/** What the processes spend on: of each request the last claim is looked at. */
interface Quota {
  readonly claims: readonly Claim[];
  /** Whether the processes ask for more than it holds. */
  readonly isScarce: boolean;
}
const scarce = (...claims: Claim[]): Quota => ({ claims, isScarce: true });
const few = daily('few', 60);
const many = daily('many', 10_000);
const ample = daily('ample', 1_000_000);
/** Redis stores it as a packed record once more is used than a counter holds. */
const most = daily('most', 6_000_000);
const quotas: Quota[] = [
  scarce({ policy: few, key: 'k', cost: 1 }),
  scarce({ policy: many, key: 'k', cost: 200 }),
  scarce({ policy: most, key: 'k', cost: 100_000 }),
  { claims: [{ policy: ample, key: 'k', cost: 1 }], isScarce: false },
  scarce({ policy: ample, key: 'pair', cost: 1 }, { policy: many, key: 'pair', cost: 200 }),
];
/** One request for each key: windows also open shortly before a boundary. */
const fresh: Quota = { claims: [{ policy: daily('fresh', 1), key: '#', cost: 1 }], isScarce: true };
const judgedBy = ({ claims }: Quota): Claim => claims.at(-1)!;

type Judged = Seen & Decision;

const about = (seen: readonly Seen[], quota: Quota): Judged[] =>
  seen
    .filter(({ request }) => request === [...quotas, fresh].indexOf(quota))
    .map((each) => ({ ...each, ...each.decisions.at(-1)! }));

/** Each unit was admitted exactly once. */
function expectExact(judged: readonly Judged[], quota: Quota): void {
  const { policy, cost } = judgedBy(quota);
  const left = judged.filter(({ admitted }) => admitted).map(({ remaining }) => remaining);
  left.sort((a, b) => b - a);
  // Not as lists: Jest would compare thousands of numbers for half a minute to show where they differ.
  const wrong = left.findIndex((remaining, i) => remaining !== policy.limit - (i + 1) * cost);
  expect([policy.name, wrong, left.slice(wrong - 1, wrong + 2)]).toEqual([policy.name, -1, expect.anything()]);
  expect([policy.name, left.length > 0, left.at(-1) === 0]).toEqual([policy.name, true, quota.isScarce]);
}

/** The moment at which all of them may come again, which must be the same. */
function endOf(judged: readonly Judged[]): number {
  const waits = judged.map(({ sent, received, retryAfter, resetAfter }) => {
    const wait = retryAfter || resetAfter;
    return { least: sent + wait, most: received + wait };
  });
  const end = Math.min(...waits.map(({ most }) => most));
  // The server judges by whole milliseconds.
  expect(Math.max(...waits.map(({ least }) => least))).toBeLessThan(end + 2);
  return end;
}

describeWith(faked)('four processes spend', () => {
  let processes: CalendarProcesses;
  beforeAll(async () => {
    processes = await CalendarProcesses.start(faked!.server.url, [
      { clock: 0, loops: 1 },
      { clock: HOUR, loops: 1 },
      { clock: -DAY, loops: 4 },
      { clock: 365 * DAY, loops: 12 },
    ]);
  }, 60_000);
  afterAll(() => processes?.stop());

  const spend = (during: () => Promise<unknown>, on = quotas) =>
    processes.spend(
      on.map(({ claims }) => claims),
      during,
    );

  /** Redis has what was admitted in the present window, and nothing else. */
  async function expectStored(judged: readonly Judged[], quota: Quota): Promise<void> {
    const { policy, key, cost } = judgedBy(quota);
    const store = new RedisStore(client, { timeout: 5_000 });
    const [now] = await store.consume([{ policy: definePolicy(policy), key, cost: 0 }]);
    expect(now!.remaining).toBe(policy.limit - cost * judged.filter(({ admitted }) => admitted).length);
  }

  /** Spends from shortly before a boundary to shortly after it. */
  async function cross(boundary: string, hours: number, during: () => Promise<unknown> = () => sleep(2 * MARGIN)) {
    const turn = Date.parse(boundary);
    await setClock(turn - MARGIN);
    const seen = await spend(during, [...quotas, fresh]);
    for (const quota of [...quotas, fresh]) {
      const judged = about(seen, quota);
      const before = judged.filter(({ resetAfter }) => resetAfter <= MARGIN);
      const after = judged.filter(({ resetAfter }) => resetAfter > MARGIN);
      if (quota !== fresh) {
        for (const side of [before, after]) expectExact(side, quota);
        await expectStored(after, quota);
      } else expect(judged.filter(({ admitted }) => !admitted)).toHaveLength(0);

      const end = endOf(before);
      expect(before.filter(({ sent, resetAfter }) => sent > end + 2 || resetAfter <= 0)).toHaveLength(0);
      expect(after.filter(({ received }) => received < end - 2)).toHaveLength(0);
      expect(Math.abs(endOf(after) - end - hours * HOUR)).toBeLessThan(5);
    }
    expect(await client.strlen('rl:{k}:most:fwday')).toBe(24);
    await expectToEnd(turn + hours * HOUR);
  }

  it.each([
    ['midnight in Berlin', '2027-06-14T22:00:00Z', 24],
    ['midnight before a day of 23 hours', '2027-03-27T23:00:00Z', 23],
    ['midnight after a day of 23 hours', '2027-03-28T22:00:00Z', 24],
    ['midnight before a day of 25 hours', '2027-10-30T22:00:00Z', 25],
    ['midnight after a day of 25 hours', '2027-10-31T23:00:00Z', 24],
  ])(
    'while the server’s clock crosses %s: exactly the quota on each side, and all waits are true',
    async (_, at, hours) => {
      await cross(at, hours);
    },
  );

  it('while some of them sleep over midnight', async () => {
    await cross('2027-06-15T22:00:00Z', 24, async () => {
      const asleep = processes.processes.slice(0, 2);
      await sleep(MARGIN - 100);
      for (const each of asleep) each.kill('SIGSTOP');
      await sleep(200);
      for (const each of asleep) each.kill('SIGCONT');
      await sleep(MARGIN);
    });
  });

  it('while Redis sleeps over midnight', async () => {
    await cross('2027-06-16T22:00:00Z', 24, async () => {
      await sleep(MARGIN - 100);
      await faked!.server.freeze();
      await sleep(200);
      await faked!.server.thaw();
      await sleep(MARGIN);
    });
  });

  it.each([
    ['forward', '2027-03-28T01:00:00Z', '2027-03-28T22:00:00Z'],
    ['back', '2027-10-31T01:00:00Z', '2027-10-31T23:00:00Z'],
  ])('while clocks in Berlin are set %s: one quota for the day', async (_, change, end) => {
    await setClock(Date.parse(change) - MARGIN / 2);
    const seen = await spend(() => sleep(MARGIN));
    for (const quota of quotas) {
      const judged = about(seen, quota);
      expectExact(judged, quota);
      await expectStored(judged, quota);
      endOf(judged);
    }
    await expectToEnd(Date.parse(end));
  });

  it('while the server’s clock jumps forward by three days and back: a quota for each day, and none for the way back', async () => {
    const noon = Date.parse('2027-06-15T10:00:00Z');
    await setClock(noon);
    const seen = await spend(async () => {
      await sleep(MARGIN);
      await setClock(noon + 3 * DAY + HOUR);
      await sleep(MARGIN);
      await setClock(noon);
      await sleep(MARGIN);
    });
    for (const quota of quotas) {
      const judged = about(seen, quota);
      const later = judged.filter(({ resetAfter }) => resetAfter < 11.5 * HOUR);
      later.sort((a, b) => a.received - b.received);
      const [jumped, cameBack] = [later[0]!.received, later.at(-1)!.received];
      const first = judged.filter(({ resetAfter, received }) => resetAfter >= 11.5 * HOUR && received < jumped);
      const back = judged.filter(({ resetAfter, sent }) => resetAfter >= 11.5 * HOUR && sent > cameBack);
      expectExact(later, quota);
      expect(later.length).toBeGreaterThan(10);
      if (!quota.isScarce) continue;
      expectExact(first, quota);
      expect(back.length).toBeGreaterThan(10);
      expect(back.filter(({ admitted }) => admitted)).toHaveLength(0);
    }
    await expectToEnd(Date.parse('2027-06-15T22:00:00Z'));
  });

  it('while the server’s clock is set back by an hour just after midnight: nothing is freed', async () => {
    const midnight = Date.parse('2027-06-15T22:00:00Z');
    await setClock(midnight + HOUR / 60);
    const seen = await spend(async () => {
      await sleep(MARGIN);
      await setClock(midnight - HOUR);
      await sleep(MARGIN);
    });
    for (const quota of quotas) {
      const judged = about(seen, quota);
      expectExact(judged, quota);
      await expectStored(judged, quota);
    }
    await expectToEnd(midnight + DAY);
  });
});
