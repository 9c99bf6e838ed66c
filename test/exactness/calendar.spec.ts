import { randomUUID } from 'node:crypto';
import { calendarUnits } from '../../libs/rate-limit/src/core/calendar/grid.js';
import { createLimiter } from '../../libs/rate-limit/src/engine/create-limiter.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import type { WindowDefinition } from '../../libs/rate-limit/src/core/window-of.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { ownServer } from '../support/redis/own-server.js';
import { everyKey } from './stored-keys.js';

const own = ownServer();

const zones = Intl.supportedValuesOf('timeZone');
const anyOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)]!;

const quota = (window: WindowDefinition, limit = 100): Policy => definePolicy({ name: 'p', limit, window });

describe('a customer who changes the zone and the anchor 400 times within a window has one quota', () => {
  const anyWindow = (calendar: 'day' | 'week' | 'month'): WindowDefinition => ({
    calendar,
    timeZone: anyOf(zones),
    anchor: anyOf(['2026-01-31', '2024-02-29T17:45', '2025-07-01T00:00:01Z', undefined]),
  });

  it.each(['day', 'week', 'month'] as const)('a %s', async (calendar) => {
    let time = 1_800_000_000_000;
    const store = new RedisStore(own.client, { now: () => time, timeout: 10_000 });
    const ask = async (count: number) => {
      const answers = Array.from({ length: count }, () =>
        store.consume([{ policy: quota(anyWindow(calendar)), key: 'k', cost: 1 }]),
      );
      return (await Promise.all(answers)).map(([decision]) => decision!);
    };
    const admitted = (decisions: Awaited<ReturnType<typeof ask>>) => decisions.filter(({ allowed }) => allowed).length;

    const first = (await ask(1))[0]!;
    // Alone and in batches.
    const rest = [];
    for (const together of [1, 1, 1, 7, 40, 350]) rest.push(...(await ask(together)));
    expect(admitted(rest)).toBe(99);
    expect(new Set(rest.map(({ resetAfter }) => resetAfter))).toEqual(new Set([first.resetAfter]));
    time += first.resetAfter - 1;
    expect(admitted(await ask(100))).toBe(0);
    time += 1;
    expect(admitted(await ask(400))).toBe(100);
  });
});

it('a limit that changes at run time changes within the window, and the window ends when it was to', async () => {
  const anchor = new Date(Date.now() - 43_200_000);
  const limiter = await createLimiter({
    redis: own.url,
    policies: { daily: { limit: 5, window: { calendar: 'day', timeZone: 'Europe/Berlin', anchor } } },
    denialCache: false,
    logger: { log: () => {}, warn: () => {}, error: () => {} },
  });
  try {
    const ends = new Set<number>();
    const passing = async () => {
      for (let passed = 0; ; passed++) {
        const { allowed, resetAfter } = await limiter.consume('daily', 'k');
        ends.add(Math.round((Date.now() + resetAfter) / 60_000));
        if (!allowed) return passed;
      }
    };
    expect(await passing()).toBe(5);
    await limiter.limits.set('daily', { limit: 8 });
    expect(await passing()).toBe(3);
    await limiter.limits.set('daily', { limit: 2 });
    expect(await passing()).toBe(0);
    await limiter.limits.set('daily', { limit: 9 });
    expect(await passing()).toBe(1);
    expect([...ends]).toEqual([Math.round((anchor.getTime() + 86_400_000) / 60_000)]);
  } finally {
    await limiter.close();
  }
});

describe.each(calendarUnits)('a %s', (calendar) => {
  const windows = ['Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe'].map((timeZone) => ({ calendar, timeZone }));

  it.each([
    ['of a counter', 5, 1],
    ['of a packed record', 9_000_000, 1_800_000],
  ])('%s: a denied hit passes after retryAfter, and not a millisecond sooner', async (_, limit, cost) => {
    for (const window of windows) {
      let time = 1_800_000_000_000 + Math.floor(Math.random() * 366 * 86_400_000);
      const store = new RedisStore(own.client, { now: () => time, timeout: 10_000, prefix: randomUUID() });
      const ask = async () => (await store.consume([{ policy: quota(window, limit), key: 'k', cost }]))[0]!;
      for (let left = 4; left >= 0; left--)
        expect(await ask()).toMatchObject({ allowed: true, remaining: left * cost });
      const { retryAfter } = await ask();
      time += retryAfter - 1;
      expect(await ask()).toMatchObject({ allowed: false, retryAfter: 1, resetAfter: 1 });
      time += 1;
      expect(await ask()).toMatchObject({ allowed: true, remaining: limit - cost });
    }
  });

  it('its keys are kept until it ends', async () => {
    const store = new RedisStore(own.client, { timeout: 10_000 });
    // No boundary is near.
    const anchor = new Date(Date.now() - 30_000);
    // A counter, one beside which a request was denied, one that became a packed record, and one that became a counter.
    for (const costs of [[1], [1, 1, 100], [1, 4_000_000, 4_000_000], [4_000_000, 4_000_000, -7_000_000, 5]]) {
      await own.client.flushall();
      const hits = windows.map((window, i) => ({
        policy: quota({ ...window, anchor }, Math.max(...costs) > 100 ? 9_000_000 : 50),
        key: `${i}`,
      }));
      for (const cost of costs) await Promise.all(hits.map((hit) => store.consume([{ ...hit, cost }])));
      await store.consume(hits.map((hit) => ({ ...hit, cost: 1 })));
      for (const [i, hit] of hits.entries()) {
        const { resetAfter } = (await store.consume([{ ...hit, cost: 0 }]))[0]!;
        const { life } = (await everyKey(own.client)).find(({ key }) => key.includes(`{${i}}`))!;
        expect([costs, Math.abs(life - resetAfter) < 1_000]).toEqual([costs, true]);
      }
    }
  });
});
