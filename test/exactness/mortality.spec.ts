import { algorithmNames, algorithmOf, type AlgorithmName } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';
import { everyKey, onlyKey } from './stored-keys.js';

/** An hour whose boundaries are half an hour away. */
const NEVER_NEAR = { calendar: 'hour', anchor: new Date(Date.now() - 1_800_000) } as const;

/** A calendar window is tested as if it were an algorithm, because Redis stores it differently. */
const kinds = [...algorithmNames, 'calendar'] as const;

const quota = (algorithm: AlgorithmName | 'calendar', window: number | string, limit = 10): Policy => {
  if (algorithm === 'calendar') return definePolicy({ name: 'p', limit, window: NEVER_NEAR });
  const burst = algorithm === 'gcra' ? { burst: 10 } : {};
  return definePolicy({ name: 'p', algorithm, limit, window: window as number, ...burst });
};

const anyOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)]!;

describe.each(serverKinds())('on $label', (kind) => {
  let server: Server;
  let client: ReturnType<typeof connectTo>;
  let store: RedisStore;
  beforeAll(async () => {
    server = await startRedis({ kind });
    client = connectTo(server.url);
    store = new RedisStore(client, { timeout: 10_000 });
  });
  beforeEach(() => client.flushall());
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  const spend = async (policy: Policy, cost: number, by = store) => {
    const [decision] = await by.consume([{ policy, key: 'k', cost }]);
    return decision!;
  };

  describe('no key is immortal', () => {
    const costs = [1, 1, 1, 2, 3, 10, 0, 0, -1, -3, 11, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER];

    /** Requests of one to three hits, and now and then a reset, many at once. */
    async function use(policies: readonly Policy[], by: RedisStore, between: () => void = () => {}) {
      const hit = () => ({ policy: anyOf(policies), key: anyOf(['a', 'b', 'c', 'd', 'e', 'f']), cost: anyOf(costs) });
      for (let round = 0; round < 60; round++) {
        between();
        const requests = Array.from({ length: 20 }, () =>
          by.consume(Array.from({ length: 1 + Math.floor(Math.random() * 3) }, hit)),
        );
        if (round % 10 === 9) requests.push(by.reset(anyOf(policies), 'a').then(() => []));
        await Promise.all(requests);
      }
    }

    it('whatever was spent, given back, denied and reset', async () => {
      const policies = kinds.flatMap((algorithm) => [quota(algorithm, '1h'), quota(algorithm, '1m', 0)]);
      await use(policies, store);
      const lives = await everyKey(client);
      expect(lives.length).toBeGreaterThan(10);
      for (const { key, life } of lives) expect([key, life > 0 && life <= 2 * 3_600_000]).toEqual([key, true]);
    });

    it('also when the clock steps', async () => {
      const window = 6 * 3_600_000;
      const policies = kinds.map((algorithm) => quota(algorithm, window));
      let now = 1_700_000_000_000;
      const stepping = new RedisStore(client, { timeout: 10_000, now: () => now });
      await use(policies, stepping, () => {
        now += Math.round(anyOf([0, 0.01, 0.3, 0.9, 1.1, 2.5, -0.3, -0.9, -1.1, 1_000, -1_000]) * window);
        now = Math.max(0, now);
      });
      const lives = await everyKey(client);
      expect(lives.length).toBeGreaterThan(2);
      // A state may lie up to one window ahead of a clock that was set back.
      for (const { key, life } of lives) expect([key, life > 0 && life <= 3 * window]).toEqual([key, true]);
    });

    it('and none outlives its use for long', async () => {
      const policies = algorithmNames.flatMap((algorithm) => [quota(algorithm, 40), quota(algorithm, 200)]);
      await use(policies, store);
      const deadline = performance.now() + 5_000;
      while ((await client.dbsize()) > 0 && performance.now() < deadline);
      expect(await client.keys('*')).toEqual([]);
    });
  });

  describe.each(kinds)('%s', (algorithm) => {
    const policy = quota(algorithm, '1h');

    it.each([
      ['a request of two units', 2],
      ['a denied one', 10],
      ['one that can never pass', 11],
      ['a look', 0],
      ['a give-back', -1],
    ])('a key that was made permanent is mortal again after %s', async (_, cost) => {
      await spend(policy, 4);
      const key = await onlyKey(client);
      const before = await client.pttl(key);
      await client.persist(key);
      expect(await client.pttl(key)).toBe(-1);
      await spend(policy, cost);
      const life = await client.pttl(key);
      // Not sooner than it would have been: the state may rely on that.
      expect(life > before - 10_000 && life <= 2 * 3_600_000).toBe(true);
    });

    it.each([
      ['was made permanent', -1],
      ['was given ten years', 10 * 365 * 24 * 3_600_000],
    ])('a key that %s has hours again after some lone requests of one unit', async (_, given) => {
      await spend(policy, 4);
      const key = await onlyKey(client);
      if (given < 0) await client.persist(key);
      else await client.pexpire(key, given);
      // One of sixteen looks, whether it passes or not. That none of a thousand does has a chance of 10^-28.
      let asked = 0;
      let life: number;
      do {
        await spend(policy, 1);
        life = await client.pttl(key);
      } while (++asked < 1_000 && !(life > 0 && life <= 2 * 3_600_000));
      expect(life > 0 && life <= 2 * 3_600_000).toBe(true);
      expect((await spend(policy, 0)).remaining).toBe(Math.max(0, 6 - asked));
    });

    it('a key that lives a hundred times as long as it needs to is left alone, and beyond that it is not', async () => {
      const quarter = algorithm === 'sliding-log' ? 1.25 : 1;
      const longest = quarter * algorithmOf(policy.algorithm).longestLifetime(policy);
      await spend(policy, 4);
      const key = await onlyKey(client);
      await client.pexpire(key, 100 * longest);
      await spend(policy, 0);
      expect(await client.pttl(key)).toBeGreaterThan(99 * longest);
      await client.pexpire(key, 100 * longest + 60_000);
      await spend(policy, 0);
      expect(await client.pttl(key)).toBeLessThanOrEqual(longest);
    });

    it('200 denied requests leave the state as it was, to the byte, and do not prolong it', async () => {
      await spend(policy, 10);
      const key = await onlyKey(client);
      const [state, life] = [await client.dumpBuffer(key), await client.pttl(key)];
      const denials = await Promise.all(Array.from({ length: 200 }, (_, i) => spend(policy, i % 2 === 0 ? 1 : 11)));
      expect(denials.filter(({ allowed }) => allowed)).toEqual([]);
      expect(await client.dumpBuffer(key)).toEqual(state);
      expect(await client.pttl(key)).toBeLessThanOrEqual(life);
      expect((await everyKey(client)).length).toBe(1);
    });

    it('a request that can never pass eats nothing of what is left', async () => {
      await spend(policy, 4);
      expect(await spend(policy, 11)).toMatchObject({ allowed: false, remaining: 6, retryAfter: -1 });
      expect(await spend(policy, 6)).toMatchObject({ allowed: true, remaining: 0 });
    });

    it('a give-back that comes after all is gone leaves nothing behind', async () => {
      expect(await spend(policy, -5)).toMatchObject({ allowed: true, remaining: 10 });
      await spend(policy, 3);
      await spend(policy, -5);
      expect(await everyKey(client)).toEqual([]);
    });
  });
});
