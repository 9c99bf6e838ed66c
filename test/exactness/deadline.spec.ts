import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
import { startProxy } from '../support/proxy.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const TIMEOUT = 400;
const daily = definePolicy({ name: 'daily', limit: 1_000, window: '1d' });

/** A user's own client, with ioredis' own defaults: it queues while it is offline, and sends again. */
const clients = {
  'ioredis 6': connectTo,
  'ioredis 5': connectWithIoredis5,
  'ioredis 6 that fails at once': (url: string) =>
    connectTo(url, { enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 }),
};

let server: Server;
const realNow = Date.now;
beforeEach(async () => void (server = await startRedis()));
afterEach(async () => {
  Date.now = realNow;
  closeClients();
  await server?.stop();
});

const spend = (store: RedisStore, cost = 1) => store.consume([{ policy: daily, key: 'k', cost }]);

/** Every one is refused as unavailable, and the last of them soon. */
async function expectUnavailable(asked: Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.race([Promise.allSettled(asked), sleep(2_500, undefined, { ref: false })]);
  expect(outcomes).toEqual(asked.map(() => ({ status: 'rejected', reason: expect.any(StoreUnavailableError) })));
}

/** Asks until Redis answers again, for ten seconds at most, and tells what is left of the quota. */
async function leftWhenBack(store: RedisStore): Promise<number> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(20)) {
    const [decision] = await spend(store, 0).catch(() => []);
    if (decision) return decision.remaining;
  }
  throw new Error('Redis did not answer again within 10 s');
}

/** How many scripts a server has run. */
async function scriptsRun(client: ReturnType<typeof connectTo>): Promise<number> {
  const told = await client.info('commandstats');
  return [...told.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe.each(Object.entries(clients))('the deadline of a store, %s', (_, connect) => {
  let store: RedisStore;
  beforeEach(async () => {
    const client = connect(server.url);
    await new Promise((resolve) => client.once('ready', () => resolve(undefined)));
    store = new RedisStore(client, { timeout: TIMEOUT });
  });

  it('an application that was busy itself takes the answer that came meanwhile', async () => {
    await spend(store, 10);
    const asked = spend(store);
    // Sent, and answered while nobody looks.
    await new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
    for (const until = performance.now() + 2 * TIMEOUT; performance.now() < until;);
    expect((await asked)[0]!.remaining).toBe(989);
  });

  it('so does one that resets a quota', async () => {
    await spend(store, 10);
    const reset = store.reset(daily, 'k');
    // It leaves at the end of its own turn, as every command.
    await Promise.resolve();
    for (const until = performance.now() + 2 * TIMEOUT; performance.now() < until;);
    await reset;
    expect((await spend(store))[0]!.remaining).toBe(999);
  });

  it('a frozen Redis: all requests reject in time, and what was abandoned is never charged', async () => {
    await spend(store, 10);
    await server.freeze();
    const asked: Promise<unknown>[] = [];
    for (let turn = 0; turn < 10; turn++) {
      asked.push(...Array.from({ length: 50 }, () => spend(store)));
      await sleep(1);
    }
    await expectUnavailable(asked);
    await expectUnavailable([spend(store)]);
    await server.thaw();
    expect(await leftWhenBack(store)).toBe(990);
    expect((await spend(store))[0]!.remaining).toBe(989);
  });

  it('a Redis that was frozen before the first request is no different', async () => {
    await server.freeze();
    await expectUnavailable(Array.from({ length: 50 }, () => spend(store)));
    await server.thaw();
    expect(await leftWhenBack(store)).toBe(1_000);
  });

  it('commands left in the socket of a closed connection run after the thaw, and charge nothing', async () => {
    await spend(store, 10);
    const before = await scriptsRun(connectTo(server.url));
    await server.freeze();
    await expectUnavailable(Array.from({ length: 50 }, () => spend(store)));
    closeClients();
    await server.thaw();

    const observer = connectTo(server.url);
    const deadline = performance.now() + 5_000;
    while ((await scriptsRun(observer)) === before && performance.now() < deadline) await sleep(20);
    expect(await scriptsRun(observer)).toBeGreaterThan(before);
    const later = new RedisStore(observer, { timeout: 5_000 });
    expect((await spend(later, 0))[0]!.remaining).toBe(990);
  });

  it('our own clock has no part in it, be it minutes wrong or stepping', async () => {
    Date.now = () => realNow() - 600_000;
    expect((await spend(store))[0]!.remaining).toBe(999);
    Date.now = () => realNow() + 600_000;
    expect((await spend(store))[0]!.remaining).toBe(998);
    await server.freeze();
    Date.now = () => realNow() - 600_000;
    await expectUnavailable(Array.from({ length: 50 }, () => spend(store)));
    await server.thaw();
    expect(await leftWhenBack(store)).toBe(998);
  });

  it('a Redis that is gone: requests reject in time; it comes back empty, and so to a full quota', async () => {
    await spend(store, 10);
    await server.kill();
    await expectUnavailable(Array.from({ length: 50 }, () => spend(store)));
    await expectUnavailable([store.reset(daily, 'k')]);
    await server.restart();
    expect(await leftWhenBack(store)).toBe(1_000);
    expect((await spend(store))[0]!.remaining).toBe(999);
  });
});

it('of a batch that arrives between two deadlines only the later request is charged', async () => {
  const proxy = await startProxy(server);
  try {
    const store = new RedisStore(connectTo(proxy.url), { timeout: 1_000 });
    const ask = async (key: string) => (await store.consume([{ policy: daily, key, cost: 1 }]))[0]!.remaining;
    const outcome = (key: string) => ask(key).catch((error: unknown) => error);
    await ask('k');
    proxy.blackHole();
    // Two commands are the most on their way: what comes after them waits, and is one batch.
    const first = outcome('others');
    await turn();
    const second = outcome('others');
    for (let i = 0; i < 3; i++) await turn();
    const earlier = outcome('k');
    await sleep(400);
    const later = outcome('k');
    proxy.restore();
    expect(await first).toBe(999);
    // Now the batch is sent, and nothing has read it.
    proxy.blackHole();
    expect(await earlier).toBeInstanceOf(StoreUnavailableError);
    proxy.restore();
    expect(await later).toBe(998);
    await second;
  } finally {
    closeClients();
    await proxy.stop();
  }
});

it('the deadline is kept in a process that does nothing else', async () => {
  const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  execFileSync(process.execPath, [fileOf('ensure-built.mjs')], { stdio: 'inherit' });
  const idle = fork(fileOf('idle.mjs'), [server.url], { execArgv: [], timeout: 60_000 });
  try {
    await once(idle, 'message');
    await server.freeze();
    idle.send('ask');
    const patience = AbortSignal.timeout(5_000);
    const [{ waited, error }] = await once(idle, 'message', { signal: patience });
    expect(error).toMatch(/RL_STORE_UNAVAILABLE/);
    expect(waited).toBeLessThan(2_500);
  } finally {
    idle.kill('SIGKILL');
  }
});
