import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { definePolicy, RATE_LIMIT_STORE, type RateLimitStore } from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';
import { BACK_WITHIN, expectFewLines } from './faults.js';
import { tryOnceMore } from './busy-machine.js';

tryOnceMore();

const PASSWORD = 'secret';
const policy = definePolicy({ name: 'daily', limit: 1_000, window: '1d' });

interface Refusal {
  name: string;
  cause(admin: Redis): unknown;
  undo(admin: Redis): unknown;
  /** What the log says of it. */
  told: RegExp;
}

const acl = (admin: Redis, ...rules: string[]) => admin.call('ACL', 'SETUSER', 'limiter', ...rules);
/** Those of the user; the admin's own stays. */
const cutLimiter = (admin: Redis) => admin.call('CLIENT', 'KILL', 'USER', 'limiter');

const refusals: Refusal[] = [
  {
    name: 'OOM: its memory is full, and it evicts nothing',
    cause: (admin) => admin.config('SET', 'maxmemory', '1'),
    undo: (admin) => admin.config('SET', 'maxmemory', '0'),
    told: /raise maxmemory.*\(OOM/,
  },
  {
    name: 'READONLY: it became a replica',
    cause: (admin) => admin.replicaof('127.0.0.1', 1),
    undo: (admin) => admin.replicaof('NO', 'ONE'),
    told: /connect to the primary.*\(READONLY/,
  },
  {
    name: 'MASTERDOWN: it is a replica that may not answer without its primary',
    async cause(admin) {
      await admin.config('SET', 'replica-serve-stale-data', 'no');
      await admin.replicaof('127.0.0.1', 1);
    },
    undo: (admin) => admin.replicaof('NO', 'ONE'),
    told: /connect to the primary.*\(MASTERDOWN/,
  },
  {
    name: 'NOREPLICAS: it lacks replicas',
    cause: (admin) => admin.config('SET', 'min-replicas-to-write', '1'),
    undo: (admin) => admin.config('SET', 'min-replicas-to-write', '0'),
    told: /see min-replicas-to-write.*\(NOREPLICAS/,
  },
  {
    name: 'BUSY: somebody’s script does not end',
    async cause(admin) {
      await admin.config('SET', 'lua-time-limit', '20');
      void admin.eval('while true do end', 0).catch(() => {});
      await sleep(100);
    },
    undo: (admin) => connectTo(urlOf(admin), { enableReadyCheck: false }).script('KILL'),
    told: /gave no answer in 250 ms|end it with SCRIPT KILL \(BUSY/,
  },
  {
    name: 'NOPERM: the user may not run scripts',
    cause: (admin) => acl(admin, '-evalsha', '-eval'),
    undo: (admin) => acl(admin, '+evalsha', '+eval'),
    told: /docs\/redis\.md lists those.*NOPERM/,
  },
  {
    name: 'NOPERM: the user may not touch the keys',
    cause: (admin) => acl(admin, 'resetkeys', '~other:*'),
    undo: (admin) => acl(admin, 'allkeys'),
    told: /docs\/redis\.md lists those.*NOPERM/,
  },
  {
    name: 'WRONGPASS: the password was changed, and the connection lost',
    async cause(admin) {
      await acl(admin, 'resetpass', '>other');
      await cutLimiter(admin);
    },
    undo: (admin) => acl(admin, 'resetpass', `>${PASSWORD}`),
    told: /check username and password \(WRONGPASS/,
  },
];

let server: Server;
let store: RateLimitStore;
let logged: string[];
beforeEach(() => {
  logged = [];
  for (const level of ['warn', 'error', 'log'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation((line) => void logged.push(String(line)));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
  closeClients();
  await server?.stop();
});

/** Microseconds for each key; it makes no difference where there is nothing to load. */
const SLOW_TO_LOAD = ['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'];

const urlOf = ({ options: { host, port } }: Redis): string => `redis://${host}:${port}`;

/** A user of its own, so that what is taken from it is not taken from the one who gives it back. */
async function open(kind: (typeof kinds)[number], args: readonly string[] = []): Promise<Redis> {
  server = await startRedis({ kind, args });
  const admin = connectTo(server.url);
  await acl(admin, 'on', `>${PASSWORD}`, 'allkeys', '+@all');
  const redis = { host: server.host, port: server.port, username: 'limiter', password: PASSWORD };
  const { nest } = await boot('fastify', { redis }, {});
  store = nest.get<RateLimitStore>(RATE_LIMIT_STORE);
  return admin;
}

let asked = 0;
/** A new key each time: what Redis knows already it may judge without writing. */
const ask = async () => (await store.consume([{ policy, key: `k${asked++}`, cost: 1 }]))[0]!;

/** Asks until it is so, and tells how long that took. */
async function until(isSo: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > 10_000) throw new Error(`not within 10 s\n${logged.join('\n')}`);
    await sleep(10);
  }
  return performance.now() - began;
}

const isDegraded = async () => (await ask()).by === 'local';
const isBack = async () => !(await isDegraded());

const kinds = serverKinds();
describe.each(kinds)('a Redis that refuses ($label)', (kind) => {
  it.each(refusals)('$name', async ({ cause, undo, told }) => {
    const admin = await open(kind);
    expect(await isDegraded()).toBe(false);
    await cause(admin);
    await until(isDegraded);
    const began = performance.now();
    for (let i = 0; i < 200; i++) expect(await ask()).toMatchObject({ allowed: true, by: 'local' });
    // Nobody but one in a while waits for a Redis that refuses or is busy.
    expect(performance.now() - began).toBeLessThan(BACK_WITHIN);
    await until(async () => logged.some((line) => told.test(line)));
    await undo(admin);
    expect(await until(isBack)).toBeLessThan(BACK_WITHIN);
    expectFewLines(logged);
  });

  it('LOADING: it reads what it saved, and is back when it has', async () => {
    const admin = await open(kind, SLOW_TO_LOAD);
    await admin.eval("for i = 1, 1000 do redis.call('SET', 'key:' .. i, i) end", 0);
    await admin.save();
    await server.restart({ whileLoading: true });
    await until(isDegraded);
    await until(async () => /loading:0/.test(await connectTo(server.url, { enableReadyCheck: false }).info()));
    // The user was not saved.
    await acl(connectTo(server.url), 'on', `>${PASSWORD}`, 'allkeys', '+@all');
    expect(await until(isBack)).toBeLessThan(BACK_WITHIN);
  });
});
