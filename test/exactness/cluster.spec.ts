import { randomUUID } from 'node:crypto';
import { blockConformance, holdConformance, storeConformance } from 'nestjs-redis-rate-limit/conformance';
import type { Redis } from 'ioredis';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import type { WindowDefinition } from '../../libs/rate-limit/src/core/window-of.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { slotOf } from '../../libs/rate-limit/src/stores/redis/wire/slots.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startCluster, type Cluster } from '../support/redis/cluster.js';
import { until } from '../support/redis/until.js';
import {
  closeClusterClients,
  ioredisVersions,
  keyOnEachNode,
  openCluster,
  type ClusterClient,
} from './cluster-clients.js';

const daily = (name: string, limit: number, window: WindowDefinition = '1d'): Policy =>
  definePolicy({ name, limit, window });
const scarce = daily('scarce', 30);
const ample = daily('ample', 5_000);

let cluster: Cluster;
beforeAll(async () => void (cluster = await startCluster()), 60_000);
afterAll(async () => {
  closeClients();
  closeClusterClients();
  await cluster?.stop();
});

describe.each(ioredisVersions)('RedisStore on a Cluster of three nodes, %s', (version) => {
  let client: ClusterClient;
  let store: RedisStore;
  let keys: string[];
  beforeAll(() => {
    client = openCluster[version](cluster);
    store = new RedisStore(client, { timeout: 10_000 });
  });
  beforeEach(async () => void (keys = await keyOnEachNode(client, cluster)));

  const left = async (policy: Policy, key: string) => {
    const [decision] = await store.consume([{ policy, key, cost: 0 }]);
    return decision!.remaining;
  };

  describe('conforms', () => {
    const open = (now: () => number) => new RedisStore(client, { now, timeout: 10_000, prefix: randomUUID() });
    const laws = [...storeConformance(open), ...blockConformance(open), ...holdConformance(open)];
    for (const { sentence, check } of laws) it(sentence, check);
  });

  it('several clients admit exactly the quota of one key', async () => {
    const clients = ioredisVersions.flatMap((each) => [openCluster[each](cluster), openCluster[each](cluster)]);
    const stores = clients.map((each) => new RedisStore(each, { timeout: 10_000 }));
    const hits = [{ policy: ample, key: keys[0]!, cost: 5 }];
    const answers = await Promise.all(
      Array.from({ length: 2_000 }, (_, i) => stores[i % stores.length]!.consume(hits)),
    );
    expect(answers.filter(([decision]) => decision!.allowed)).toHaveLength(1_000);
    expect(await left(ample, keys[0]!)).toBe(0);
  });

  it('a block is where its quota is: one partition is blocked, and those beside it are neither blocked nor charged', async () => {
    const login = definePolicy({ name: 'login', limit: 1, window: '1d', blockFor: ['1h', '2h'] });
    const wide = definePolicy({ name: 'wide', limit: 5, window: '1d', blockFor: '1h' });
    const hits = [
      { policy: login, key: keys[0]!, cost: 1 },
      { policy: wide, key: keys[1]!, cost: 1 },
    ];
    await store.consume(hits);
    for (let i = 0; i < 3; i++) {
      const [denied, beside] = await store.consume(hits);
      expect(denied!.blockedFor).toBeGreaterThan(3_590_000);
      expect(beside).toMatchObject({ allowed: true, remaining: 4 });
    }
    await store.block(wide, keys[1]!, 5_000);
    expect((await store.consume([hits[1]!]))[0]!.blockedFor).toBeGreaterThan(0);
    for (const { policy, key } of hits) await store.reset(policy, key);
    expect((await store.consume(hits)).map(({ remaining }) => remaining)).toEqual([0, 4]);
  });

  it('while a slot moves one key of it is judged as ever, and a quota with its block when it has stopped', async () => {
    const login = definePolicy({ name: 'login', limit: 5, window: '1d', blockFor: '1h' });
    const [key] = keys as [string];
    for (const policy of [ample, login]) await store.consume([{ policy, key, cost: 1 }]);
    const slot = slotOf(`rl:{${key}}`);
    const [from, to] = cluster.masters.map(({ url }) => connectTo(url)) as [Redis, Redis];
    await to.cluster('SETSLOT', slot, 'IMPORTING', String(await from.cluster('MYID')));
    await from.cluster('SETSLOT', slot, 'MIGRATING', String(await to.cluster('MYID')));
    try {
      expect((await store.consume([{ policy: ample, key, cost: 1 }]))[0]).toMatchObject({ remaining: 4_998 });
      const impatient = new RedisStore(client, { timeout: 100 });
      await expect(impatient.consume([{ policy: login, key, cost: 1 }])).rejects.toThrow(StoreUnavailableError);
    } finally {
      for (const node of [from, to]) await node.cluster('SETSLOT', slot, 'STABLE');
    }
    expect((await store.consume([{ policy: login, key, cost: 1 }]))[0]).toMatchObject({ remaining: 3 });
  });

  it('when one partition denies, the others are as they were, and say so', async () => {
    await store.consume([{ policy: scarce, key: keys[1]!, cost: 30 }]);
    await store.consume([{ policy: ample, key: keys[0]!, cost: 7 }]);
    const decisions = await store.consume([
      { policy: ample, key: keys[0]!, cost: 3 },
      { policy: scarce, key: keys[1]!, cost: 1 },
      { policy: ample, key: keys[2]!, cost: 3 },
    ]);
    expect(decisions.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 4_993],
      [false, 0],
      [true, 5_000],
    ]);
    expect(await left(ample, keys[0]!)).toBe(4_993);
    expect(await left(ample, keys[2]!)).toBe(5_000);
  });

  describe('a request with holds in several partitions', () => {
    const slots = definePolicy({ name: 'slots', algorithm: 'concurrency', limit: 1, lease: '30s' });
    const request = (id: string, last: Policy) => [
      { policy: ample, key: keys[0]!, cost: 7, hold: { id, ttl: 60_000 } },
      { policy: slots, key: keys[1]!, cost: 1, hold: { id, ttl: 30_000 } },
      { policy: ample, key: keys[1]!, cost: 0, hold: { id, ttl: 60_000 } },
      { policy: ample, key: keys[2]!, cost: -1 },
      { policy: last, key: keys[2]!, cost: 1, hold: { id, ttl: last === slots ? 30_000 : 60_000 } },
    ];
    const held = async () => {
      const places: [Policy, string][] = [
        [ample, keys[0]!],
        [slots, keys[1]!],
        [ample, keys[1]!],
        [scarce, keys[2]!],
      ];
      return (await Promise.all(places.map(([policy, key]) => store.holds(policy, key)))).flat().map(({ id }) => id);
    };

    it('holds all of them when it passes, also beside a hit that gives back', async () => {
      await store.consume([{ policy: ample, key: keys[2]!, cost: 2 }]);
      const decisions = await store.consume(request('a', scarce));
      expect(decisions.map(({ allowed }) => allowed)).toEqual([true, true, true, true, true]);
      expect(await held()).toEqual(['a', 'a', 'a', 'a']);
      expect(await store.settle({ policy: ample, key: keys[0]!, id: 'a' }, 5)).toBe(true);
      expect(await store.settle({ policy: slots, key: keys[1]!, id: 'a' }, 0)).toBe(true);
      expect(await store.settle({ policy: scarce, key: keys[2]!, id: 'a' }, 1)).toBe(true);
      expect([await left(ample, keys[0]!), await left(slots, keys[1]!), await left(scarce, keys[2]!)]).toEqual([
        4_995, 1, 29,
      ]);
      expect(await left(ample, keys[2]!)).toBe(4_999);
    });

    it('holds none, and charges none, when one partition denies', async () => {
      await store.consume([{ policy: scarce, key: keys[2]!, cost: 30 }]);
      const decisions = await store.consume(request('b', scarce));
      expect(decisions.map(({ allowed }) => allowed)).toEqual([true, true, true, true, false]);
      expect(decisions.map(({ remaining }) => remaining)).toEqual([5_000, 1, 5_000, 5_000, 0]);
      expect(await held()).toEqual([]);
      expect([await left(ample, keys[0]!), await left(slots, keys[1]!)]).toEqual([5_000, 1]);
    });

    it('holds none when one partition fails, as soon as the others have given back', async () => {
      const [from, to] = cluster.masters.map(({ url }) => connectTo(url)) as [Redis, Redis];
      const key = keys[0]!;
      const impatient = new RedisStore(client, { timeout: 500 });
      const slot = slotOf(`rl:{${key}}`);
      await store.consume([{ policy: ample, key, cost: 1 }]);
      await to.cluster('SETSLOT', slot, 'IMPORTING', String(await from.cluster('MYID')));
      await from.cluster('SETSLOT', slot, 'MIGRATING', String(await to.cluster('MYID')));
      try {
        // Of its keys one is here and one is nowhere, so its slot cannot judge.
        await expect(impatient.consume(request('c', scarce))).rejects.toThrow(StoreUnavailableError);
      } finally {
        for (const node of [from, to]) await node.cluster('SETSLOT', slot, 'STABLE');
      }
      await until('the other partitions still hold', async () => (await held()).length === 0);
      expect([await left(slots, keys[1]!), await left(scarce, keys[2]!)]).toEqual([1, 30]);
    });
  });

  it('a denied request gives nothing back on another partition either', async () => {
    await store.consume([{ policy: ample, key: keys[0]!, cost: 2 }]);
    const [, denied] = await store.consume([
      { policy: ample, key: keys[0]!, cost: -5 },
      { policy: scarce, key: keys[1]!, cost: 31 },
    ]);
    expect(denied!.allowed).toBe(false);
    expect(await left(ample, keys[0]!)).toBe(4_998);
  });

  it.each<[string, WindowDefinition]>([
    ['a span', '1d'],
    ['the calendar', { calendar: 'day', anchor: new Date(Date.now() - 43_200_000) }],
  ])('under load as many are charged on each partition as were admitted, in a window of %s', async (_, window) => {
    const [scarce, ample] = [daily('scarce', 30, window), daily('ample', 5_000, window)];
    const hits = [
      { policy: ample, key: keys[0]!, cost: 1 },
      { policy: scarce, key: keys[1]!, cost: 1 },
      { policy: ample, key: keys[2]!, cost: 1 },
    ];
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => store.consume(hits)));
    const admitted = answers.filter((decisions) => decisions.every(({ allowed }) => allowed));
    expect(admitted).toHaveLength(30);
    expect(await left(scarce, keys[1]!)).toBe(0);
    expect(await left(ample, keys[0]!)).toBe(4_970);
    expect(await left(ample, keys[2]!)).toBe(4_970);
  });

  it('a SCRIPT FLUSH on every node goes unnoticed', async () => {
    for (let round = 0; round < 5; round++) {
      await Promise.all(client.nodes('master').map((node) => node.script('FLUSH')));
      const hits = keys.map((key) => ({ policy: scarce, key, cost: 1 }));
      const answers = await Promise.all([...hits.map((hit) => store.consume([hit])), store.consume(hits)]);
      expect(answers.flat().filter(({ allowed }) => !allowed)).toEqual([]);
    }
    expect(await Promise.all(keys.map((key) => left(scarce, key)))).toEqual([20, 20, 20]);
  });

  it.each(['app:', '{app}:'])('the client’s own keyPrefix %s comes first, and once', async (keyPrefix) => {
    const prefixed = new RedisStore(openCluster[version](cluster, { keyPrefix }), { timeout: 10_000 });
    const answers = await prefixed.consume(keys.map((key) => ({ policy: scarce, key, cost: 1 })));
    expect(answers.map(({ remaining }) => remaining)).toEqual([29, 29, 29]);
    const stored = (await Promise.all(client.nodes('master').map((node) => node.keys('*app*')))).flat();
    expect(stored.sort()).toEqual(keys.map((key) => `${keyPrefix}rl:{${key}}:${scarce.id}`).sort());

    for (const key of keys) await prefixed.reset(scarce, key);
    expect((await Promise.all(client.nodes('master').map((node) => node.keys('*app*')))).flat()).toEqual([]);
  });
});
