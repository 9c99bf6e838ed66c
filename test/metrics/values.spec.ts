import { jest } from '@jest/globals';
import {
  createLimiter,
  StoreUnavailableError,
  type Limiter,
  type LimiterOptions,
} from 'nestjs-redis-rate-limit/engine';
import { Registry } from 'prom-client';
import { sharedRedis } from '../support/redis/servers.js';
import { openTelemetry, prometheusValues, type Values } from './open-telemetry.js';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

const logger = { log: () => undefined, warn: () => undefined, error: () => undefined };

/** A limiter that reports to both, and what each exports, under the names of Prometheus. */
async function measured(options: LimiterOptions, registry = new Registry(), telemetry = openTelemetry()) {
  opened.push(telemetry);
  const limiter = await createLimiter({
    logger,
    ...options,
    prometheus: registry,
    openTelemetry: { meterProvider: telemetry.meterProvider },
  });
  opened.push(limiter);
  const values = async (): Promise<Values> => {
    const both = [await telemetry.values(), await prometheusValues(registry)].map(comparable);
    expect(both[0]).toEqual(both[1]);
    return both[0]!;
  };
  return { limiter, registry, telemetry, values };
}

/** Prometheus shows a histogram without values, and counters without labels, as 0. */
function comparable(values: Values): Values {
  const renamed = Object.entries(values).map(([line, value]) => {
    const [name, ...rest] = line.split('{') as [string];
    const plain = name.replaceAll('.', '_').replace(/(_total|_seconds_count|_count)$/, '');
    return [[plain, ...rest].join('{').replace('error.type', 'error_type'), value] as const;
  });
  return Object.fromEntries(renamed.filter(([name, value]) => value > 0 || /\{|available/.test(name)));
}

const policies = {
  one: { limit: 1, window: '1h' },
  near: { limit: 4, window: '1h', warnAt: 0.5, blockFor: '1m' },
  trial: { limit: 1, window: '1h', mode: 'shadow' },
  slots: { algorithm: 'concurrency', limit: 2 },
} as const satisfies LimiterOptions['policies'];

const redis = (name: string) => ({
  redis: sharedRedis().url,
  prefix: `metrics-${name}-${process.pid}`,
  timeout: 5_000,
});

describe.each<[string, () => LimiterOptions]>([
  ['in memory', () => ({})],
  ['on Redis', () => ({ ...redis(`values-${Date.now()}`), denialCache: false })],
])('metrics of a limiter %s', (place, where) => {
  it('count every decision by policy, outcome and reason, and each request once', async () => {
    const { limiter, values } = await measured({ ...where(), policies, deny: ['user:bad'], allow: ['user:vip'] });
    await limiter.consume('one', 'a');
    await limiter.consume('one', 'a');
    await limiter.consume('one', 'a', { cost: 2 });
    await limiter.consume([
      { policy: 'near', key: 'a' },
      { policy: 'one', key: 'a' },
    ]);
    await limiter.consume('one', 'user:vip');
    await limiter.consume('one', 'user:bad');
    for (let i = 0; i < 2; i++) await limiter.consume('trial', 'a');
    for (let i = 0; i < 5; i++) await limiter.consume('near', 'b');
    await limiter.consume('near', 'b');
    for (let i = 0; i < 3; i++) await limiter.consume('slots', 'a').catch(() => undefined);
    const found = await values();
    expect(found).toMatchObject({
      'rate_limit_requests{by="store",decision="allowed",policy="one"}': 1,
      'rate_limit_requests{by="store",decision="denied",policy="one",reason="limit"}': 2,
      'rate_limit_requests{by="store",decision="denied",policy="one",reason="never"}': 1,
      'rate_limit_requests{by="store",decision="denied",policy="near",reason="other_policy"}': 1,
      'rate_limit_requests{by="list",decision="bypassed",policy="one"}': 1,
      'rate_limit_requests{by="list",decision="denied",policy="one",reason="list"}': 1,
      'rate_limit_requests{by="store",decision="allowed",policy="trial"}': 1,
      'rate_limit_requests{by="store",decision="shadow_denied",policy="trial",reason="limit"}': 1,
      'rate_limit_requests{by="store",decision="allowed",policy="near"}': 4,
      'rate_limit_requests{by="store",decision="denied",policy="near",reason="blocked"}': 2,
      'rate_limit_near_limit{policy="near"}': 1,
      'rate_limit_blocks{policy="near"}': 1,
      'rate_limit_limit{policy="one"}': 1,
      'rate_limit_limit{policy="slots"}': 2,
      rate_limit_store_available: 1,
    });
    const checks = Object.entries(found).filter(([name]) => name.startsWith('rate_limit_check_duration'));
    // All but the two that lists decided.
    expect(checks).toEqual([['rate_limit_check_duration', 12]]);
    expect(found['rate_limit_batch_size'] !== undefined).toBe(place === 'on Redis');
  });

  it('count open holds, and how they were settled', async () => {
    const { limiter, values } = await measured({ ...where(), policies: { tokens: { limit: 100, window: '1h' } } });
    const terms = { cost: 10, ttl: '1m' } as const;
    const holds = [];
    for (let i = 0; i < 4; i++) holds.push(await limiter.reserve('tokens', 'a', terms));
    expect((await values())['rate_limit_holds{policy="tokens"}']).toBe(4);
    for (const [i, cost] of [5, 10, 20].entries()) await holds[i]!.settle(cost);
    // Settled twice, it counts once.
    await holds[0]!.settle(5).catch(() => undefined);
    expect(await values()).toMatchObject({
      'rate_limit_holds{policy="tokens"}': 1,
      'rate_limit_settled{direction="less",policy="tokens"}': 1,
      'rate_limit_settled{direction="same",policy="tokens"}': 1,
      'rate_limit_settled{direction="more",policy="tokens"}': 1,
    });
    await holds[3]!.release();
    expect((await values())['rate_limit_holds{policy="tokens"}']).toBe(0);
  });

  it('no longer count a hold that was lost', async () => {
    const { limiter, values } = await measured({ ...where(), policies });
    const hold = await limiter.reserve('slots', 'a');
    const [open] = await limiter.holds('slots', 'a');
    expect(await limiter.release('slots', 'a', open!.id)).toBe(true);
    expect((await values())['rate_limit_holds{policy="slots"}']).toBe(1);
    // This process notices the loss here.
    await hold.extend('1m').catch(() => undefined);
    expect((await values())['rate_limit_holds{policy="slots"}']).toBe(0);
    await hold.release().catch(() => undefined);
    expect((await values())['rate_limit_holds{policy="slots"}']).toBe(0);
  });

  it('show the limit that applies now', async () => {
    const { limiter, values } = await measured({ ...where(), policies });
    await limiter.limits.set('one', { limit: 7 });
    expect((await values())['rate_limit_limit{policy="one"}']).toBe(7);
  });
});

describe('while the store gives no answer', () => {
  it('failures are counted by their kind, and the store is shown as away until it answers again', async () => {
    let failure: Error | undefined = new StoreUnavailableError('away', { type: 'timeout' });
    const { limiter, values } = await measured({
      policies: { one: policies.one, free: { ...policies.one, onStoreFailure: 'open' } },
      store: {
        consume: async (hits) => {
          if (failure) throw failure;
          return hits.map(() => ({ allowed: true, limit: 1, remaining: 1, resetAfter: 0, retryAfter: 0, by: 'store' }));
        },
        reset: async () => undefined,
      },
    });
    const now = jest.spyOn(performance, 'now');
    await limiter.consume('one', 'a');
    await limiter.consume('one', 'a');
    await limiter.consume('free', 'a');
    expect(await values()).toMatchObject({
      'rate_limit_requests{by="local",decision="allowed",policy="one"}': 1,
      'rate_limit_requests{by="local",decision="denied",policy="one",reason="limit"}': 1,
      'rate_limit_requests{by="open",decision="allowed",policy="free"}': 1,
      'rate_limit_store_errors{error_type="timeout"}': 3,
      rate_limit_store_available: 0,
    });
    failure = undefined;
    const then = performance.now();
    now.mockReturnValue(then + 5_000);
    await limiter.consume('one', 'b');
    now.mockReturnValue(then + 10_000);
    await limiter.consume('one', 'b');
    now.mockRestore();
    expect((await values())['rate_limit_store_available']).toBe(1);
  });

  it('failures to connect count as unreachable', async () => {
    const { limiter, values } = await measured({ redis: 'redis://127.0.0.1:1', policies: { one: policies.one } });
    await limiter.consume('one', 'a');
    expect(await values()).toMatchObject({
      'rate_limit_store_errors{error_type="unreachable"}': 1,
      rate_limit_store_available: 0,
    });
  });
});

it('no label ever holds a key', async () => {
  const { limiter, registry, telemetry } = await measured({ policies, deny: ['user:SECRET'] });
  const keys = [
    'SECRET',
    'SECRET"} 1\nforged 2',
    '{SECRET="1"}',
    'SECRET\\',
    'ip:SECRET',
    'user:SECRET',
    'SECRET\u2028',
  ];
  for (const key of keys) {
    for (let i = 0; i < 6; i++) await limiter.consume('near', key);
    for (let i = 0; i < 2; i++) await limiter.consume('trial', key);
    await limiter.consume([
      { policy: 'one', key },
      { policy: 'near', key },
    ]);
  }
  const text = (await registry.metrics()) + JSON.stringify(await telemetry.values());
  expect(text).toContain('rate_limit_requests_total{policy="near",decision="denied",reason="blocked",by="store"}');
  expect(text).not.toMatch(/SECRET|forged/);
});

it('policies that code makes up are counted by name up to a bound', async () => {
  const { limiter, values } = await measured({ policies });
  for (let i = 0; i < 1_100; i++) await limiter.consume({ name: `made-up-${i}`, limit: 1, window: '1h' }, 'a');
  await limiter.consume('one', 'a');
  const found = await values();
  expect(found['rate_limit_requests{by="store",decision="allowed",policy="other"}']).toBe(100);
  expect(found['rate_limit_requests{by="store",decision="allowed",policy="one"}']).toBe(1);
});

describe('limiters that report to one place', () => {
  it('are added up, and what a closed one counted stays, once', async () => {
    const first = await measured({ policies });
    const second = await measured({ policies }, first.registry, first.telemetry);
    const name = 'rate_limit_requests{by="store",decision="allowed",policy="near"}';
    const use = async (limiter: Limiter, times: number) => {
      for (let i = 0; i < times; i++) await limiter.consume('near', `a${i}`);
    };
    await use(first.limiter, 2);
    await use(second.limiter, 3);
    expect((await first.values())[name]).toBe(5);
    await first.limiter.close();
    await first.limiter.close();
    expect((await first.values())[name]).toBe(5);
    await second.limiter.close();
    // OpenTelemetry's SDK repeats the last value of a gauge for ever.
    const closed = comparable(await prometheusValues(first.registry));
    expect(closed[name]).toBe(5);
    expect(Object.keys(closed).filter((each) => /limit_limit|available|holds/.test(each))).toEqual([]);
    const third = await measured({ policies }, first.registry, first.telemetry);
    await use(third.limiter, 1);
    expect((await third.values())[name]).toBe(6);
    expect((await third.values())['rate_limit_check_duration']).toBe(6);
  });

  it('begin again with 0 in a registry that was cleared', async () => {
    const registry = new Registry();
    const before = await createLimiter({ logger, policies, prometheus: registry });
    await before.consume('one', 'a');
    await before.close();
    registry.clear();
    const after = await createLimiter({ logger, policies, prometheus: registry });
    opened.push(after);
    await after.consume('one', 'b');
    expect(await prometheusValues(registry)).toMatchObject({
      'rate_limit_requests_total{by="store",decision="allowed",policy="one"}': 1,
      rate_limit_check_duration_seconds_count: 1,
    });
  });
});
