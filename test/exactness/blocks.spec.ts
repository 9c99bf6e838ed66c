import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { definePolicy, type Policy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';
import { everyKey } from './stored-keys.js';
import { Workers } from './workers.js';

const SECOND = 1_000;
const HOUR = 3_600_000;

const record = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((number, i) => bytes.writeDoubleLE(number, 8 * i));
  return bytes;
};

/** Start, span and step of a block. */
async function stored(client: Redis, key: string): Promise<number[]> {
  const bytes = await client.getBuffer(key);
  return [0, 8, 16].map((at) => bytes!.readDoubleLE(at));
}

describe('four processes with four connections each', () => {
  let server: Server;
  let workers: Workers;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis();
    client = connectTo(server.url);
    workers = await Workers.start(4, server.url);
  }, 120_000);
  afterAll(async () => {
    closeClients();
    await workers?.stop();
    await server?.stop();
  });

  it('take exactly one step for each going-over, and tell all who are denied of the same block', async () => {
    const policy: PolicyDefinition = { name: 'p', limit: 50, window: '1d', blockFor: ['1h', '2h', '3h'] };
    const key = randomUUID();
    const blockKey = `rl:{${key}}:p:fw86400000:block`;
    const flood = async () => {
      const costs = Array.from({ length: 300 }, () => 1);
      const tasks = Array.from({ length: 4 }, () => ({ claims: [{ policy, key }], costs }));
      return (await workers.spend(tasks)).flat();
    };
    for (const [time, { step, span }] of [
      { step: 1, span: HOUR },
      { step: 2, span: 2 * HOUR },
      { step: 3, span: 3 * HOUR },
      { step: 3, span: 3 * HOUR },
    ].entries()) {
      const outcomes = await flood();
      expect(outcomes.filter(({ admitted }) => admitted)).toHaveLength(time === 0 ? 50 : 0);
      for (const { decisions, admitted } of outcomes) {
        const { blockedFor = 0 } = decisions[0]!;
        expect([admitted, blockedFor > span - 60 * SECOND && blockedFor <= span]).toEqual([admitted, !admitted]);
      }
      const [start, ...rest] = await stored(client, blockKey);
      expect(rest).toEqual([span, step]);
      // Now it is over since a moment, and remembered.
      await client.set(blockKey, record(start! - span - 60 * SECOND, span, step), 'KEEPTTL');
    }
  }, 60_000);
});

describe.each(serverKinds())('on $label', (kind) => {
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

  const BLOCK_KEY = 'rl:{k}:p:fw3600000:block';
  const define = (blockFor: PolicyDefinition['blockFor'], more: Partial<PolicyDefinition> = {}) =>
    definePolicy({ name: 'p', limit: 1, window: '1h', blockFor, ...more });
  const spend = async (policy: Policy, cost = 1, by = store) => {
    const [decision] = await by.consume([{ policy, key: 'k', cost }]);
    return decision!;
  };
  const over = async (policy: Policy) => {
    await spend(policy);
    return spend(policy);
  };

  it('a block is one key beside the quota, which is there only when somebody went over', async () => {
    await spend(define('1m'));
    await spend(define('1m'), 0);
    await spend(define('1m'), 2);
    expect(await client.keys('*')).toEqual(['rl:{k}:p:fw3600000']);
    await spend(define('1m'));
    expect((await client.keys('*')).sort()).toEqual(['rl:{k}:p:fw3600000', BLOCK_KEY]);
    await store.reset(define('1m'), 'k');
    expect(await client.keys('*')).toEqual([]);
  });

  it.each([
    ['15m', 900],
    [1_500, 1.5],
    [['1m', '10m'], 660],
    [{ spans: ['1m', '10m'], forgetAfter: '1h' }, 3_660],
  ] as const)('a block of %j lives as long as it says something: %d s', async (blockFor, seconds) => {
    await over(define(blockFor));
    const life = await client.pttl(BLOCK_KEY);
    expect(life).toBeLessThanOrEqual(seconds * SECOND);
    expect(life).toBeGreaterThan(seconds * SECOND - 1_000);
  });

  it.each([1, 2, 15])('a block of %d ms is gone soon after, and none is immortal', async (span) => {
    const policy = define(span, { limit: 0, window: 1 });
    for (let i = 0; i < 50; i++) {
      await store.block(policy, 'k', span);
      const life = await client.pttl('rl:{k}:p:fw1:block');
      expect(life).not.toBe(-1);
      expect(life).toBeLessThanOrEqual(span);
    }
    const deadline = performance.now() + 5_000;
    while ((await client.dbsize()) > 0 && performance.now() < deadline);
    expect(await client.keys('*')).toEqual([]);
  });

  it('no key is immortal, however much is blocked, unblocked and prolonged', async () => {
    const rules = (['5ms', '1m', ['1s', '1m', '1h'], { spans: '1m', extend: true }, 0] as const).map((blockFor, i) =>
      define(blockFor, { name: `p${i}`, limit: 3 }),
    );
    const anyOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)]!;
    const keys = ['a', 'b', 'c', 'd'];
    for (let round = 0; round < 40; round++) {
      const hit = () => ({ policy: anyOf(rules), key: anyOf(keys), cost: anyOf([1, 1, 1, 2, 0, -1, 4]) });
      await Promise.all([
        ...Array.from({ length: 20 }, () => store.consume([hit(), hit()])),
        store.block(anyOf(rules), anyOf(keys), anyOf([0, 1, 500, HOUR])),
        store.unblock(anyOf(rules), anyOf(keys)),
        store.reset(anyOf(rules), anyOf(keys)),
      ]);
      for (const { key, life } of await everyKey(client))
        expect([key, life, life >= 0 && life <= 2 * HOUR]).toEqual([key, life, true]);
    }
  });

  it.each([
    ['a denied request', 1],
    ['one that can never pass', 2],
    ['a look', 0],
    ['a give-back', -1],
  ])('a block that was made permanent, or given years, is mortal again after %s, and no shorter', async (_, cost) => {
    const policy = define('1m');
    await over(policy);
    for (const hold of [() => client.persist(BLOCK_KEY), () => client.pexpire(BLOCK_KEY, 10 * 365 * 24 * HOUR)]) {
      await hold();
      const { blockedFor } = await spend(policy, cost);
      const life = await client.pttl(BLOCK_KEY);
      expect(life).toBeGreaterThan(blockedFor! - 1_000);
      expect(life).toBeLessThanOrEqual(60 * SECOND);
    }
  });

  it('a long block of a short window keeps its TTL, whatever else is looked at', async () => {
    const policy = define('1h', { window: 20 });
    await store.block(policy, 'k', HOUR);
    for (let i = 0; i < 300; i++) await spend(policy, i % 2);
    expect(await client.pttl('rl:{k}:p:fw20:block')).toBeGreaterThan(HOUR - 60 * SECOND);
    expect((await spend(policy)).blockedFor).toBeGreaterThan(HOUR - 60 * SECOND);
  });

  it.each<[string, (key: string) => Promise<unknown>]>([
    ['a hash', (key) => client.hset(key, { a: 1 })],
    ['a list', (key) => client.rpush(key, 1, 2, 3)],
    ['a set', (key) => client.sadd(key, 'a')],
    ['an empty string', (key) => client.set(key, '')],
    ['a word', (key) => client.set(key, 'blocked')],
    ['a number', (key) => client.set(key, '1')],
    ['24 characters', (key) => client.set(key, 'x'.repeat(24))],
    ...[NaN, Infinity, -1, 0.5, 2 ** 53, 1e300].flatMap((bad) =>
      [0, 1, 2].map((place): [string, (key: string) => Promise<unknown>] => [
        `a record with ${bad} in place ${place}`,
        (key) => client.set(key, record(...[1_800_000_000_000, HOUR, 1].map((n, i) => (i === place ? bad : n)))),
      ]),
    ),
  ])('%s in the place of a block is none, is removed, and written over by the next', async (_, damage) => {
    const policy = define('1m');
    const anew = async () => {
      await client.del(BLOCK_KEY);
      await damage(BLOCK_KEY);
    };
    await anew();
    expect(await spend(policy)).toMatchObject({ allowed: true, remaining: 0 });
    expect(await client.exists(BLOCK_KEY)).toBe(0);
    await anew();
    expect(await spend(policy)).toMatchObject({ allowed: false, blockedFor: 60 * SECOND });
    await anew();
    await store.block(policy, 'k', 5 * SECOND);
    expect((await spend(policy)).blockedFor).toBeGreaterThan(4 * SECOND);
    expect(await client.pttl(BLOCK_KEY)).toBeGreaterThan(0);
  });

  it('who is over his quota stays denied where no block can be written: a full memory', async () => {
    const policy = define('1m');
    await spend(policy);
    await client.config('SET', 'maxmemory', '1');
    try {
      const denied = await spend(policy);
      expect(denied).toMatchObject({ allowed: false, by: 'store' });
      expect(denied.blockedFor).toBeUndefined();
      expect(denied.retryAfter).toBeGreaterThan(HOUR - 60 * SECOND);
    } finally {
      await client.config('SET', 'maxmemory', '0');
    }
    expect((await spend(policy)).blockedFor).toBe(60 * SECOND);
  });

  it.each<[string, (client: Redis) => Promise<unknown>, (client: Redis) => Promise<unknown>]>([
    [
      'its memory is full',
      (client) => client.config('SET', 'maxmemory', '1'),
      (client) => client.config('SET', 'maxmemory', '0'),
    ],
    ['it is a replica', (client) => client.replicaof('127.0.0.1', 1), (client) => client.replicaof('NO', 'ONE')],
  ])('who blocks by hand is told when no block can be written: %s', async (_, refuse, accept) => {
    const policy = define('1m');
    await store.block(policy, 'k', 5 * SECOND);
    await refuse(client);
    try {
      await expect(store.block(policy, 'k', HOUR)).rejects.toThrow(
        /^RL_STORE_UNAVAILABLE: Redis at \S+:\d+ could not write the block: its memory is full/,
      );
    } finally {
      await accept(client);
    }
    expect((await spend(policy, 0)).blockedFor).toBeLessThanOrEqual(5 * SECOND);
    await store.block(policy, 'k', HOUR);
    expect((await spend(policy, 0)).blockedFor).toBeGreaterThan(HOUR - SECOND);
  });

  it('policies without blockFor neither read nor write a block', async () => {
    const calls = async (command: string) =>
      Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await client.info('commandstats'))?.[1] ?? 0);
    const plain = definePolicy({ name: 'p', limit: 1, window: '1h' });
    await spend(plain);
    await client.config('RESETSTAT');
    await spend(plain);
    expect([await calls('get'), await calls('set'), await calls('pexpire'), await calls('evalsha')]).toEqual([
      0, 0, 0, 1,
    ]);
    await over(define('1m'));
    expect(await spend(plain)).toEqual(expect.not.objectContaining({ blockedFor: expect.anything() }));
  });

  it('a block and what it belongs to travel in one command', async () => {
    const policies = [define('1m'), define('2m', { name: 'q' }), definePolicy({ name: 'r', limit: 5, window: '1h' })];
    const hits = policies.map((policy) => ({ policy, key: 'k', cost: 1 }));
    await store.consume(hits);
    await client.config('RESETSTAT');
    const decisions = await store.consume(hits);
    expect(decisions.map(({ blockedFor }) => blockedFor)).toEqual([60 * SECOND, 120 * SECOND, undefined]);
    expect(await client.info('commandstats')).toContain('cmdstat_evalsha:calls=1,');
  });
});
