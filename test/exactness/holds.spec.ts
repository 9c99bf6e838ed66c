import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { algorithmNames, type AlgorithmName } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { definePolicy, type Policy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { until } from '../support/redis/until.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';
import { everyKey } from './stored-keys.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BEGUN = 1_800_000_000_000;

const policyOf = (algorithm: AlgorithmName, more: Partial<PolicyDefinition> = {}): Policy =>
  algorithm === 'concurrency'
    ? definePolicy({ name: algorithm, algorithm, limit: 5_000, lease: '30s' })
    : definePolicy({
        name: algorithm,
        algorithm,
        limit: 5_000,
        window: '1h',
        ...(algorithm === 'gcra' && { burst: 5_000 }),
        ...more,
      });
const every = [...algorithmNames, 'concurrency'] as const;

describe.each(serverKinds())('holds on $label', (kind) => {
  const hasFieldExpiry = kind.name === 'redis' && kind.version.startsWith('8');
  let server: Server;
  let client: Redis;
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

  const take = async (
    policy: Policy,
    id: string,
    { cost = 1, ttl = 20 * SECOND, givesBack = false, by = store } = {},
  ) => (await by.consume([{ policy, key: 'k', cost, hold: { id, ttl, ...(givesBack && { givesBack }) } }]))[0]!;
  const settle = (policy: Policy, id: string, cost = 0, by = store) => by.settle({ policy, key: 'k', id }, cost);
  const holdsKeyOf = (policy: Policy) => `rl:{k}:${policy.id}:holds`;

  it('each key has a TTL after each take, and no key of holds is left when all are settled', async () => {
    for (const algorithm of every) {
      const policy = policyOf(algorithm);
      const isSlot = algorithm === 'concurrency';
      await take(policy, 'a', { cost: isSlot ? 1 : 4 });
      await take(policy, 'b', { givesBack: !isSlot, ttl: 1_000 });
      expect(await client.exists(holdsKeyOf(policy))).toBe(isSlot ? 0 : 1);
      for (const { key, life } of await everyKey(client)) {
        expect([key, life > 0 && life <= DAY + 3 * HOUR]).toEqual([key, true]);
      }
      await client.persist(isSlot ? `rl:{k}:${policy.id}` : holdsKeyOf(policy));
      await take(policy, 'c');
      for (const { key, life } of await everyKey(client)) expect([key, life > 0]).toEqual([key, true]);
      expect(await Promise.all(['a', 'b', 'c', 'a'].map((id) => settle(policy, id)))).toEqual([
        true,
        true,
        true,
        false,
      ]);
      expect(await client.exists(holdsKeyOf(policy))).toBe(0);
      if (isSlot) expect(await client.keys('*:cc')).toEqual([]);
    }
  });

  it('a hold that outlives its key’s other holds is kept as long as it lasts', async () => {
    const policy = policyOf('fixed-window');
    await take(policy, 'long', { ttl: DAY });
    await take(policy, 'short', { ttl: 1 });
    expect(await client.pttl(holdsKeyOf(policy))).toBeGreaterThanOrEqual(DAY);
    const slots = definePolicy({ name: 's', algorithm: 'concurrency', limit: 5, lease: '30s' });
    await take(slots, 'long', { ttl: 30 * SECOND });
    await take(slots, 'short', { ttl: 1 });
    expect(await client.pttl('rl:{k}:s:cc')).toBeGreaterThan(29 * SECOND);
  });

  it(
    hasFieldExpiry
      ? 'each field has its TTL, so dead reservations vanish without a sweep'
      : 'dead reservations are swept while others are taken, because fields have no TTL here',
    async () => {
      const policy = policyOf('fixed-window');
      const key = holdsKeyOf(policy);
      if (hasFieldExpiry) {
        await take(policy, 'a', { ttl: MINUTE });
        await take(policy, 'b', { ttl: MINUTE, givesBack: true });
        const lives = (await client.call('HPTTL', key, 'FIELDS', '2', 'a', 'b')) as number[];
        expect(lives[0]! > 59 * SECOND && lives[0]! <= MINUTE).toBe(true);
        expect(lives[1]).toBeGreaterThan(MINUTE + 59 * MINUTE);
        expect(await store.renew({ policy, key: 'k', id: 'b' }, 2 * MINUTE)).toBe(true);
        const [renewed] = (await client.call('HPTTL', key, 'FIELDS', '1', 'b')) as number[];
        expect(renewed).toBeGreaterThan(2 * MINUTE + 59 * MINUTE);
        for (const id of ['a', 'b']) await settle(policy, id);
      }
      const dead = Array.from({ length: 500 }, (_, i) => `dead-${i}`);
      await Promise.all(dead.map((id) => take(policy, id, { ttl: 1 })));
      if (hasFieldExpiry) {
        await until('the holds have not vanished', async () => (await client.exists(key)) === 0);
        return;
      }
      for (let i = 0; i < 20_000 && (await client.hlen(key)) > 20; i += 100) {
        const ids = Array.from({ length: 100 }, () => randomUUID());
        await Promise.all(ids.map((id) => take(policy, id)));
        await Promise.all(ids.map((id) => settle(policy, id)));
      }
      expect(await client.hlen(key)).toBeLessThanOrEqual(20);
    },
  );

  it('a SCRIPT FLUSH between take and settle goes unnoticed', async () => {
    for (const algorithm of every) {
      const policy = policyOf(algorithm);
      await take(policy, 'a');
      await client.script('FLUSH');
      expect(await Promise.all([settle(policy, 'a'), settle(policy, 'a')])).toEqual([true, false]);
    }
  });

  it('with a full memory nothing is taken by halves, and what is held can be settled when there is room', async () => {
    for (const algorithm of every) {
      await client.flushall();
      const policy = policyOf(algorithm);
      const isSlot = algorithm === 'concurrency';
      await take(policy, 'a', { cost: isSlot ? 1 : 4 });
      await client.config('SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');
      try {
        await expect(take(policy, 'b')).rejects.toThrow(StoreUnavailableError);
        const other = [
          { policy: policyOf('fixed-window', { name: 'other' }), key: 'k', cost: 1, hold: { id: 'b', ttl: 9 } },
        ];
        await expect(store.consume(other)).rejects.toThrow(StoreUnavailableError);
        // A slot can be freed even so. Units cannot be given back, and the hold stays open.
        if (isSlot) expect(await settle(policy, 'a')).toBe(true);
        else await expect(settle(policy, 'a', 1)).rejects.toThrow(StoreUnavailableError);
      } finally {
        await client.config('SET', 'maxmemory', '0');
      }
      expect((await store.holds(policy, 'k')).map(({ id }) => id)).toEqual(isSlot ? [] : ['a']);
      for (const { key, life } of await everyKey(client)) expect([key, life > 0]).toEqual([key, true]);
      expect([algorithm, await settle(policy, 'a', 1)]).toEqual([algorithm, !isSlot]);
      const [looked] = await store.consume([{ policy, key: 'k', cost: 0 }]);
      expect([algorithm, looked!.remaining]).toEqual([algorithm, isSlot ? 5_000 : 4_999]);
    }
  });

  it('on a replica nothing is taken or settled, and that is a failure of the store', async () => {
    const policy = policyOf('fixed-window');
    const slots = policyOf('concurrency');
    for (const each of [policy, slots]) await take(each, 'a');
    const impatient = new RedisStore(client, { timeout: 10_000 });
    await client.replicaof('127.0.0.1', 1);
    try {
      for (const each of [policy, slots]) {
        await expect(settle(each, 'a', 0, impatient)).rejects.toThrow(StoreUnavailableError);
      }
    } finally {
      await client.replicaof('NO', 'ONE');
    }
    for (const each of [policy, slots]) expect(await settle(each, 'a')).toBe(true);
  });

  it('thousands of requests with random outcomes leave in Redis what was settled, whatever they travel with', async () => {
    for (const algorithm of every) {
      const isSlot = algorithm === 'concurrency';
      const now = () => BEGUN;
      const exact = new RedisStore(client, { now, timeout: 10_000 });
      const stores = [exact, new RedisStore(connectTo(server.url), { now, timeout: 9_000 })];
      const policy = policyOf(algorithm);
      let used = 0;
      await Promise.all(
        Array.from({ length: 500 }, async (_, i) => {
          const by = stores[i % 2]!;
          const cost = isSlot ? 1 : 1 + (i % 4);
          const { allowed } = await take(policy, `id-${i}`, { cost, by });
          expect(allowed).toBe(true);
          if (!isSlot && i % 7 === 0) {
            await by.consume([{ policy, key: 'k', cost: 1 }]);
            used++;
          }
          if (i % 3 === 0) expect(await by.renew({ policy, key: 'k', id: `id-${i}` }, 9 * SECOND)).toBe(true);
          const actual = isSlot ? 0 : i % 6;
          used += actual;
          const settled = await Promise.all(stores.map((each) => settle(policy, `id-${i}`, actual, each)));
          expect(settled.filter(Boolean)).toHaveLength(1);
        }),
      );
      const [decision] = await exact.consume([{ policy, key: 'k', cost: 0 }]);
      expect([algorithm, decision!.remaining]).toEqual([algorithm, 5_000 - used]);
      expect(await exact.holds(policy, 'k')).toEqual([]);
    }
  });

  it('never admits more than the limit at once from several connections, nor loses a slot', async () => {
    const slots = definePolicy({ name: 'few', algorithm: 'concurrency', limit: 5, lease: '30s' });
    const stores = [0, 1, 2, 3].map(() => new RedisStore(connectTo(server.url), { timeout: 10_000 }));
    let inside = 0;
    let served = 0;
    await Promise.all(
      Array.from({ length: 40 }, async (_, worker) => {
        const by = stores[worker % 4]!;
        for (let turn = 0; turn < 20; turn++) {
          const id = randomUUID();
          if (!(await take(slots, id, { by })).allowed) continue;
          expect(++inside).toBeLessThanOrEqual(5);
          served++;
          await client.ping();
          inside--;
          expect(await settle(slots, id, 0, by)).toBe(true);
        }
      }),
    );
    expect(served).toBeGreaterThan(40);
    expect(await client.keys('*')).toEqual([]);
  });

  it('30,000 takes and settlements leave the memory of Redis as it was', async () => {
    const policies = [policyOf('token-bucket'), policyOf('concurrency')];
    const round = async (from: number) => {
      const ids = Array.from({ length: 500 }, (_, i) => `id-${from}-${i}`);
      await Promise.all(ids.map((id, i) => take(policies[i % 2]!, id)));
      await Promise.all(ids.map((id, i) => settle(policies[i % 2]!, id)));
    };
    const memory = async () => Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))![1]);
    for (let i = 0; i < 10; i++) await round(i);
    const before = await memory();
    for (let i = 0; i < 60; i++) await round(i);
    expect((await memory()) - before).toBeLessThan(500_000);
    expect(await client.keys('*')).toEqual([]);
  }, 60_000);
});
