import { setTimeout as sleep } from 'node:timers/promises';
import { definePolicy, RATE_LIMIT_STORE, type RateLimitStore } from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const policy = definePolicy({ name: 'daily', limit: 1_000, window: '1d' });
/** In milliseconds, from when Redis answers again. */
const BACK_WITHIN = 2_000;

let server: Server;
let store: RateLimitStore;
beforeEach(async () => {
  server = await startRedis();
  const { nest } = await boot('express', { redis: server.url }, {});
  store = nest.get<RateLimitStore>(RATE_LIMIT_STORE);
});
afterEach(async () => {
  closeClients();
  await closeApps();
  await server?.stop();
});

const ask = async () => (await store.consume([{ policy, key: 'k', cost: 1 }]))[0]!;

/** Asks all the while, and tells what the first answer of Redis is and how long it was until then. */
async function backFrom(since: number) {
  for (; performance.now() - since < 10_000; await sleep(5)) {
    const decision = await ask();
    if (decision.by === 'store') return { remaining: decision.remaining, after: performance.now() - since };
  }
  throw new Error('Redis is not asked again within 10 s');
}

/** How many scripts a server has run. */
async function scriptsRun(): Promise<number> {
  const told = await connectTo(server.url).info('commandstats');
  return [...told.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe('a store that was away', () => {
  // The longer one outlives the connection.
  it.each([1_500, 4_000])(
    'frozen for %d ms: hardly anybody waits, and it comes back with nothing charged',
    async (span) => {
      for (let i = 0; i < 10; i++) await ask();
      const before = await scriptsRun();
      await server.freeze();
      const first = await Promise.all(Array.from({ length: 100 }, ask));
      expect(first.every(({ by }) => by === 'local')).toBe(true);

      let waited = 0;
      let asked = 0;
      for (const until = performance.now() + span; performance.now() < until; asked++) {
        const began = performance.now();
        expect((await ask()).by).toBe('local');
        // The deadline is 250 ms.
        if (performance.now() - began > 200) waited++;
        if (asked % 100 === 0) await sleep(1);
      }
      // One after the other, each with its deadline, these would be four a second.
      expect(asked).toBeGreaterThan(100);
      expect(waited).toBeLessThanOrEqual((3 * span) / 1_000);

      await server.thaw();
      const { remaining, after } = await backFrom(performance.now());
      expect(after).toBeLessThan(BACK_WITHIN);
      expect(remaining).toBe(989);
      expect((await scriptsRun()) - before).toBeLessThan(20);
    },
  );

  it('killed and started anew: it comes back with a full quota', async () => {
    for (let i = 0; i < 10; i++) await ask();
    await server.kill();
    for (const until = performance.now() + 1_500; performance.now() < until; await sleep(1)) {
      const decisions = await Promise.all(Array.from({ length: 10 }, ask));
      expect(decisions.some(({ by }) => by === 'local')).toBe(true);
    }
    await server.restart();
    const { remaining, after } = await backFrom(performance.now());
    expect(after).toBeLessThan(BACK_WITHIN);
    expect(remaining).toBe(999);
  });
});

describe('a client that forgets what was under way when its connection died', () => {
  // ioredis does, where it sends nothing again and has retries left.
  const forgetful = { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: null };
  it.each([
    ['that is handed in', ({ url }: Proxy) => connectTo(url, { ...forgetful, socketTimeout: 2_000 })],
    ['of ours, by options', ({ host, port }: Proxy) => ({ host, port, maxRetriesPerRequest: null })],
  ])('%s: Redis is used again', async (_who, locationOf) => {
    const proxy = await startProxy(server);
    try {
      const { nest } = await boot('express', { redis: locationOf(proxy) }, {});
      store = nest.get<RateLimitStore>(RATE_LIMIT_STORE);
      for (let loss = 0; loss < 3; loss++) {
        expect((await ask()).by).toBe('store');
        proxy.silence();
        const asked = Promise.all(Array.from({ length: 10 }, ask));
        await sleep(50);
        proxy.cut();
        await asked;
        const { after } = await backFrom(performance.now());
        // Its place is given to another after two seconds.
        expect(after).toBeLessThan(2 * BACK_WITHIN);
      }
      await closeApps();
    } finally {
      closeClients();
      await proxy.stop();
    }
  });
});
