import { setTimeout as sleep } from 'node:timers/promises';
import { algorithmNames, type AlgorithmName } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { ownServer } from '../support/redis/own-server.js';
import { onlyKey } from './stored-keys.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const quota = (algorithm: AlgorithmName, limit: number, window: number): Policy =>
  definePolicy({ name: algorithm, algorithm, limit, window, ...(algorithm === 'gcra' && { burst: limit }) });

const own = ownServer();

it('a quota in steady use admits its limit and what comes back, by the clock of Redis', async () => {
  const store = new RedisStore(own.client, { timeout: 10_000 });
  const uses = algorithmNames.map((algorithm) => ({ policy: quota(algorithm, 20, 400), asked: 0, admitted: 0 }));
  const spend = async (use: (typeof uses)[number]) => {
    use.asked++;
    const [decision] = await store.consume([{ policy: use.policy, key: 'k', cost: 1 }]);
    if (decision!.allowed) use.admitted++;
  };
  const begun = performance.now();
  for (; performance.now() < begun + 1_500; await sleep(2)) {
    await Promise.all([...uses, ...uses].map(spend));
  }
  // The first 20, then 20 in each 400 ms; one more for the fraction of a millisecond.
  const most = 20 + (20 / 400) * (performance.now() - begun) + 1;
  expect(Math.min(...uses.map(({ asked }) => asked))).toBeGreaterThan(most);
  expect(uses.filter(({ admitted }) => admitted > most || admitted < 20)).toEqual([]);
}, 10_000);

describe('the TTL of a key in steady use', () => {
  let now: number;
  let store: RedisStore;
  beforeEach(() => {
    now = 1_800_000_000_000;
    store = new RedisStore(own.client, { timeout: 10_000, now: () => now });
  });

  /** How long the only key lives after this charge, in minutes. */
  async function minutesAfter(policy: Policy, cost: number): Promise<number> {
    await store.consume([{ policy, key: 'k', cost }]);
    return Math.round((await own.client.pttl(await onlyKey(own.client))) / MINUTE);
  }

  /** As time goes by: for the store, and for the key. */
  async function pass(ms: number): Promise<void> {
    now += ms;
    const key = await onlyKey(own.client);
    await own.client.pexpire(key, (await own.client.pttl(key)) - ms);
  }

  it.each<AlgorithmName>(['token-bucket', 'gcra'])(
    '%s: is renewed by the charge whose debt outlives it, and by none before',
    async (algorithm) => {
      const policy = quota(algorithm, 10, 2 * HOUR);
      expect(await minutesAfter(policy, 1)).toBe(120);
      await pass(HOUR);
      // Nothing is owed any more. Five units are paid back in an hour, and the key lives for an hour.
      expect(await minutesAfter(policy, 5)).toBe(60);
      await pass(30 * MINUTE);
      expect(await minutesAfter(policy, 0)).toBe(30);
      expect(await minutesAfter(policy, 1)).toBe(120);
    },
  );

  it.each<AlgorithmName>(['token-bucket', 'gcra'])(
    '%s: is renewed when a millisecond is missing',
    async (algorithm) => {
      const policy = quota(algorithm, 10, 2 * HOUR);
      expect(await minutesAfter(policy, 1)).toBe(120);
      await pass(HOUR + 1);
      expect(await minutesAfter(policy, 5)).toBe(120);
    },
  );

  it('fixed-window: is renewed with each window', async () => {
    const policy = quota('fixed-window', 10, 2 * HOUR);
    expect(await minutesAfter(policy, 1)).toBe(120);
    now += 2 * HOUR - 1;
    await own.client.pexpire(await onlyKey(own.client), MINUTE);
    expect(await minutesAfter(policy, 1)).toBe(1);
    now += 1;
    expect(await minutesAfter(policy, 1)).toBe(120);
  });

  it('sliding-window: is renewed with each window, for the one after it', async () => {
    const policy = quota('sliding-window', 10, 2 * HOUR);
    expect(await minutesAfter(policy, 1)).toBe(240);
    await pass(2 * HOUR - 1);
    expect(await minutesAfter(policy, 1)).toBe(120);
    await pass(1);
    expect(await minutesAfter(policy, 1)).toBe(240);
    await pass(2 * HOUR + 30 * MINUTE);
    expect(await minutesAfter(policy, 1)).toBe(240);
  });

  it('sliding-log: is renewed, to a window and a quarter, by the charge that outlives it', async () => {
    const policy = quota('sliding-log', 10, 2 * HOUR);
    for (let i = 0; i < 2; i++) {
      expect(await minutesAfter(policy, 1)).toBe(150);
      await pass(30 * MINUTE);
      expect(await minutesAfter(policy, 1)).toBe(120);
      await pass(1);
    }
  });
});
