import { randomUUID } from 'node:crypto';
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { BookReader } from '../support/book-reader.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';
import { everyKey } from './stored-keys.js';

const YEAR = 31_536_000_000;

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe.each(serverKinds())('limits that change, on $label', (kind) => {
  let server: Server;
  let client: Redis;
  let book: RedisStore['limits'];
  let keys: { book: string; log: string };

  beforeAll(async () => {
    server = await startRedis({ kind });
    client = connectTo(server.url);
  });
  beforeEach(async () => {
    await client.flushall();
    book = open();
    keys = { book: 'rl:{limits}', log: 'rl:{limits}:log' };
  });
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  const open = () => new RedisStore(client, { timeout: 5_000 }).limits;

  const instance = () => new BookReader(open());

  it('are kept for a year from the last look of an instance on, and never for ever', async () => {
    await book.write('a', { limit: 1 });
    const lives = async () => Promise.all(Object.values(keys).map((key) => client.pttl(key)));
    for (const life of await lives()) expect(life).toBeGreaterThan(YEAR - 60_000);
    expect((await everyKey(client)).map(({ key }) => key).sort()).toEqual(Object.values(keys));

    for (const key of Object.values(keys)) await client.persist(key);
    await instance().look();
    for (const life of await lives()) expect(life).toBeGreaterThan(YEAR - 60_000);
    await book.write('a', undefined);
    for (const life of await lives()) expect(life).toBeGreaterThan(YEAR - 60_000);
  });

  it('are told by a server that takes no writes, and kept for a year when it does again', async () => {
    await book.write('a', { limit: 1 });
    for (const key of Object.values(keys)) await client.persist(key);
    const reader = instance();
    await client.config('SET', 'min-replicas-to-write', '1');
    try {
      expect(await reader.look()).toEqual({ a: 1 });
    } finally {
      await client.config('SET', 'min-replicas-to-write', '0');
    }
    expect(await client.pttl(keys.book)).toBe(-1);
    await reader.look();
    expect(await client.pttl(keys.book)).toBeGreaterThan(YEAR - 60_000);
  });

  it('are told by what changed, and as a whole to whoever missed more than the log tells', async () => {
    const reader = instance();
    await book.write('a', { limit: 1 });
    expect([await reader.look(), reader.wholes]).toEqual([{ a: 1 }, 1]);
    for (let i = 0; i < 400; i++) await book.write(`n${i % 3}`, { limit: i });
    expect([await reader.look(), reader.wholes]).toEqual([{ a: 1, n0: 399, n1: 397, n2: 398 }, 1]);
    await book.write('a', undefined);
    for (let i = 0; i < 1_200; i++) await book.write(`n${i % 3}`, { limit: i });
    expect([await reader.look(), reader.wholes]).toEqual([{ n0: 1197, n1: 1198, n2: 1199 }, 2]);
    expect(await client.zcard(keys.log)).toBe(1_000);
  });

  it('that Redis lost are lost to the instances too, however much came after', async () => {
    const [one, two] = [instance(), instance()];
    await book.write('a', { limit: 1 });
    await book.write('b', { limit: 1 });
    await Promise.all([one.look(), two.look()]);
    const dumps = await Promise.all(Object.values(keys).map((key) => client.dumpBuffer(key)));
    // A change that the replica never heard of, seen by the one and not by the other.
    await book.write('a', { limit: 2 });
    expect(await one.look()).toEqual({ a: 2, b: 1 });
    for (const [i, key] of Object.values(keys).entries()) await client.restore(key, YEAR, dumps[i]!, 'REPLACE');
    await book.write('b', { limit: 3 });
    expect(await one.look()).toEqual({ a: 1, b: 3 });
    expect(await two.look()).toEqual({ a: 1, b: 3 });

    await client.flushall();
    expect(await one.look()).toEqual({});
    await book.write('c', { limit: 4 });
    expect(await two.look()).toEqual({ c: 4 });
    expect(await one.look()).toEqual({ c: 4 });
  });

  it('whose book is lost alone begin anew, as do those whose log is', async () => {
    const reader = instance();
    await book.write('a', { limit: 1 });
    await reader.look();
    await client.del(keys.book);
    await book.write('b', { limit: 2 });
    expect(await reader.look()).toEqual({ b: 2 });
    await client.del(keys.log);
    await book.write('c', { limit: 3 });
    expect(await reader.look()).toEqual({ b: 2, c: 3 });
  });

  it('keep their order under a clock that is behind the last change', async () => {
    await book.write('a', { limit: 1 });
    const ahead = Date.now() * 1_000 + 3_600_000_000;
    await client.hset(keys.book, 'version', ahead);
    const { version } = await book.write('a', { limit: 2 });
    expect(version).toBeGreaterThan(ahead);
    expect(version).toBeLessThanOrEqual(ahead + 1_000);
  });

  it('have no number again that was lost under such a clock', async () => {
    await book.write('a', { limit: 1 });
    await client.hset(keys.book, 'version', Date.now() * 1_000 + 3_600_000_000);
    const dump = await client.dumpBuffer(keys.book);
    const versions = new Set<number>();
    for (let i = 0; i < 20; i++) {
      await client.restore(keys.book, YEAR, dump, 'REPLACE');
      versions.add((await book.write('a', { limit: i })).version);
    }
    expect(versions.size).toBeGreaterThan(1);
  });

  it('that nobody of ours wrote count for nothing', async () => {
    const version = (await book.write('good', { limit: 1 })).version;
    for (const text of ['', 'x', '1 2', '1 -5 -', '1 2 3 4', '1.5 2 -', `${version} 1e3 -`]) {
      await client.hset(keys.book, `bad${text}`, text);
    }
    expect(await instance().look()).toEqual({ good: 1 });
    // Nor for who writes where there is none yet.
    expect(await book.write('bad1 2', { limit: 2 }, 0)).toMatchObject({ outcome: 'done' });
  });

  it('say so when something else stands in their place, and change nothing', async () => {
    await client.set(keys.book, 'text');
    await expect(book.changesSince(0)).rejects.toThrow(/WRONGTYPE/);
    await expect(book.write('a', { limit: 1 })).rejects.toThrow(/WRONGTYPE/);
    expect(await client.get(keys.book)).toBe('text');
  });

  it('take no quota for theirs: callers whose key is "limits" have keys of their own', async () => {
    await book.write('a', { limit: 1 });
    const store = new RedisStore(client, { timeout: 5_000 });
    for (const name of ['log', 'a', ':log']) {
      await store.consume([{ policy: definePolicy({ name, limit: 5, window: '1m' }), key: 'limits', cost: 1 }]);
    }
    expect(await instance().look()).toEqual({ a: 1 });
    expect(await client.type(keys.log)).toBe('zset');
  });
});

describe('four processes that raise one limit at once', () => {
  let server: Server;
  const processes: ChildProcess[] = [];
  beforeAll(async () => {
    execFileSync(process.execPath, [fileOf('ensure-built.mjs')], { stdio: 'inherit' });
    server = await startRedis();
  }, 120_000);
  afterAll(async () => {
    const running = processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const ended = running.map((each) => once(each, 'exit'));
    for (const each of running) each.kill();
    await Promise.all(ended);
    closeClients();
    await server?.stop();
  });

  it('lose none of their updates', async () => {
    const prefix = randomUUID();
    for (let i = 0; i < 4; i++) {
      processes.push(fork(fileOf('limit-writer.mjs'), [server.url, prefix, '25'], { execArgv: [], timeout: 120_000 }));
    }
    const told = await Promise.all(processes.map(async (each) => ((await once(each, 'message')) as [number[]])[0]));
    // Each of a hundred raises found a limit that no other found.
    expect(told.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 11));
  }, 60_000);
});
