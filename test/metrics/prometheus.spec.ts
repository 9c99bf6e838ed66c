import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLimiter, StoreUnavailableError, type Limiter } from 'nestjs-redis-rate-limit/engine';
import { Registry } from 'prom-client';
import { checkRules, findPrometheus, startPrometheus, type Prometheus } from '../support/prometheus.js';
import { sharedRedis } from '../support/redis/servers.js';
import { alertQueries, panelQueries, RULES } from './queries.js';

// Looked for once. Without a Prometheus the tests say so loudly, and pass.
const here = await findPrometheus();
const withPrometheus = here ? it : it.skip;

const registry = new Registry();
const limiters: Limiter[] = [];
let server: Server;
let prometheus: Prometheus | undefined;
let traffic: Promise<void>;
let isOver = false;

const logger = { log: () => undefined, warn: () => undefined, error: () => undefined };

const policies = {
  api: { limit: 50, window: '1s', warnAt: 0.5 },
  login: { limit: 1, window: '1h', blockFor: '1m' },
  trial: { limit: 1, window: '1h', mode: 'shadow' },
  free: { limit: 1, window: '1h', onStoreFailure: 'open' },
  tokens: { limit: 1_000_000, window: '1h' },
} as const;

async function open() {
  const redis = { redis: sharedRedis().url, prefix: `prometheus-${process.pid}`, timeout: 5_000 };
  const onRedis = await createLimiter({ ...redis, policies, logger, prometheus: registry, allow: ['user:vip'] });
  const failing = async () => Promise.reject(new StoreUnavailableError('away', { type: 'timeout' }));
  const store = { consume: failing, reset: failing };
  const { free } = policies;
  const away = await createLimiter({ policies: { free }, store, logger, prometheus: registry });
  limiters.push(onRedis, away);
  return { onRedis, away };
}

/** Some of everything that the dashboard shows, until the tests are over. */
async function use({ onRedis, away }: Awaited<ReturnType<typeof open>>): Promise<void> {
  for (let i = 0; !isOver; i++, await sleep(20)) {
    await Promise.all([
      onRedis.consume('api', `user:${i}`, { cost: 30 }),
      onRedis.consume('api', `user:${i}`, { cost: 30 }),
      onRedis.consume('api', 'user:vip'),
      onRedis.consume('login', `user:${Math.floor(i / 2)}`),
      onRedis.consume('trial', 'user:1'),
      away.consume('free', 'user:1'),
    ]);
    const hold = await onRedis.reserve('tokens', 'user:1', { cost: 10 });
    if (i > 0) await hold.settle(5);
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

withPrometheus(
  'a real Prometheus answers every query of the dashboard with data',
  async () => {
    for (const { from, query } of panelQueries()) {
      const values = await answered(query);
      expect({ from, query, hasData: values.some((value) => Number.isFinite(value)) }).toEqual({
        from,
        query,
        hasData: true,
      });
    }
    expect(
      await answered('sum by (policy) (rate_limit_requests_total{policy="api",decision="denied"}) > 0'),
    ).toHaveLength(1);
  },
  60_000,
);

withPrometheus('it accepts the alert rules, and those about what is wrong here would fire', async () => {
  expect(checkRules(here!, RULES)).toContain(`${alertQueries().length} rules found`);
  const { groups } = (await prometheus!.api('rules')) as { groups: { rules: { name: string; health: string }[] }[] };
  const loaded = groups.flatMap(({ rules }) => rules.map(({ name, health }) => [name, health]));
  expect(loaded).toEqual(alertQueries().map(({ from }) => [from, 'ok']));
  for (const { from, query } of alertQueries()) {
    if (from !== 'RateLimitSlow') expect([from, (await answered(query)).length > 0]).toEqual([from, true]);
  }
});
