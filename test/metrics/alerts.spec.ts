import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual as isEqual } from 'node:util';
import { createLimiter, StoreUnavailableError, type Limiter } from 'nestjs-redis-rate-limit/engine';
import { Registry } from 'prom-client';
import { checkRules, startPrometheus, type Prometheus } from '../support/prometheus.js';
import { sharedRedis } from '../support/redis/servers.js';
import { here, itWithPrometheus } from '../support/with-prometheus.js';
import { alertQueries, RULES } from './queries.js';

const registry = new Registry();
const limiters: Limiter[] = [];
let server: Server;
let prometheus: Prometheus | undefined;
let traffic: Promise<void>;
let isOver = false;

const logger = { log: () => undefined, warn: () => undefined, error: () => undefined };

const policies = {
  api: { limit: 50, window: '1s' },
  trial: { limit: 1, window: '1h', mode: 'shadow' },
  free: { limit: 1, window: '1h', onStoreFailure: 'open' },
} as const;

async function open() {
  const redis = { redis: sharedRedis().url, prefix: `prometheus-${process.pid}`, timeout: 5_000 };
  const onRedis = await createLimiter({ ...redis, policies, logger, prometheus: registry });
  const failing = async () => Promise.reject(new StoreUnavailableError('away', { type: 'timeout' }));
  const store = { consume: failing, reset: failing };
  const { free } = policies;
  const away = await createLimiter({ policies: { free }, store, logger, prometheus: registry });
  limiters.push(onRedis, away);
  return { onRedis, away };
}

/** Causes what the alerts are about, until the test is over. */
async function use({ onRedis, away }: Awaited<ReturnType<typeof open>>): Promise<void> {
  for (let i = 0; !isOver; i++, await sleep(20)) {
    await Promise.all([
      onRedis.consume('api', `user:${i}`, { cost: 30 }),
      onRedis.consume('api', `user:${i}`, { cost: 30 }),
      onRedis.consume('trial', 'user:1'),
      away.consume('free', 'user:1'),
    ]);
  }
}

beforeAll(async () => {
  if (!here) return;
  traffic = use(await open());
  server = createServer((_, response) => {
    void registry.metrics().then((text) => response.setHeader('content-type', registry.contentType).end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  prometheus = await startPrometheus(here, `127.0.0.1:${(server.address() as AddressInfo).port}`, RULES);
}, 60_000);

afterAll(async () => {
  await prometheus?.stop();
  isOver = true;
  await traffic;
  for (const limiter of limiters) await limiter.close();
  server?.close();
});

/** Asks until the answer has numbers. */
async function answered(query: string): Promise<number[]> {
  for (const deadline = Date.now() + 10_000; ; await sleep(50)) {
    const values = (await prometheus!.query(query)).map(({ value }) => value);
    if ((values.length > 0 && values.some((value) => Number.isFinite(value))) || Date.now() > deadline) return values;
  }
}

/** The names of the alert rules, and whether they could be evaluated. */
async function loadedRules(): Promise<string[][]> {
  const { groups } = (await prometheus!.api('rules')) as { groups: { rules: { name: string; health: string }[] }[] };
  return groups.flatMap(({ rules }) => rules.map(({ name, health }) => [name, health]));
}

itWithPrometheus('a real Prometheus accepts the alert rules, and its answers make those fire that should', async () => {
  const deadline = performance.now() + 10_000;
  expect(checkRules(here!, RULES)).toContain(`${alertQueries().length} rules found`);
  const rules = alertQueries().map(({ from }) => [from, 'ok']);
  // A rule has no health until it was evaluated once.
  while (!isEqual(await loadedRules(), rules) && performance.now() < deadline) await sleep(50);
  expect(await loadedRules()).toEqual(rules);
  for (const { from, query } of alertQueries()) {
    if (from !== 'RateLimitSlow') expect([from, (await answered(query)).length > 0]).toEqual([from, true]);
  }
});
