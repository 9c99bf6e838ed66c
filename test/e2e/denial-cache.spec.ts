import { Controller, Get } from '@nestjs/common';
import { jest } from '@jest/globals';
import {
  MemoryStore,
  RateLimit,
  RATE_LIMIT_STORE,
  RateLimiter,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShadowStore } from '../../libs/rate-limit/src/stores/shadow/shadow.store.js';
import { adapters, boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';

@Controller()
class ReportsController {
  @Get()
  @RateLimit('daily')
  find() {}
}

const policies = { daily: { limit: 2, window: '1d', key: () => 'everybody' } } as const;
const controllers = [ReportsController];

let server: Server;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server?.stop());
afterEach(async () => {
  await closeApps();
  closeClients();
});

let prefix = 0;
const start = (adapter: (typeof adapters)[number], options: RateLimitModuleOptions = {}) =>
  boot(adapter, { redis: server.url, policies, prefix: `app${prefix++}`, ...options }, { controllers });

async function scriptsRun(): Promise<number> {
  const told = await connectTo(server.url).info('commandstats');
  return [...told.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe.each(adapters)('an application on %s', (adapter) => {
  it('tells a denial again without asking Redis, and sees its own resets and give-backs at once', async () => {
    const { get, nest } = await start(adapter, { denialCache: '30s' });
    const limiter = nest.get(RateLimiter);
    const statuses = async (times: number) => {
      const all = [];
      for (let i = 0; i < times; i++) all.push((await get('/')).status);
      return all;
    };
    expect(await statuses(3)).toEqual([200, 200, 429]);
    const before = await scriptsRun();
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]));
    expect((await scriptsRun()) - before).toBeLessThan(10);
    expect(answers[49]!.headers.get('ratelimit')).toMatch(/^"daily";r=0;t=86[34]\d\d$/);
    expect(answers[49]!.headers.get('retry-after')).toMatch(/^86[34]\d\d$/);

    await limiter.consume('daily', 'everybody', { cost: -1 });
    expect(await statuses(2)).toEqual([200, 429]);
    await limiter.reset('daily', 'everybody');
    expect(await statuses(3)).toEqual([200, 200, 429]);
  });

  it('denialCache: false asks Redis each time', async () => {
    const { get } = await start(adapter, { denialCache: false });
    for (let i = 0; i < 3; i++) await get('/');
    const before = await scriptsRun();
    for (let i = 0; i < 50; i++) expect((await get('/')).status).toBe(429);
    expect((await scriptsRun()) - before).toBe(50);
  });
});

it.each<[RateLimitModuleOptions['denialCache'], number, number]>([
  [undefined, 0, 0],
  [undefined, 1_050, 1],
  ['30s', 1_050, 0],
  [50, 100, 1],
])('denialCache %p: a request %p ms after a denial asks Redis %p times', async (denialCache, later, times) => {
  const { get } = await start('fastify', { denialCache });
  for (let i = 0; i < 3; i++) await get('/');
  const before = await scriptsRun();
  await sleep(later);
  expect((await get('/')).status).toBe(429);
  expect((await scriptsRun()) - before).toBe(times);
});

it('a store of the user’s own is asked each time, and so is memory', async () => {
  const own = new MemoryStore();
  const ask = jest.spyOn(own, 'consume');
  const { get } = await start('fastify', { redis: undefined, store: own });
  for (let i = 0; i < 5; i++) await get('/');
  expect(ask).toHaveBeenCalledTimes(5);

  const { nest } = await start('fastify', { redis: undefined });
  expect(nest.get(RATE_LIMIT_STORE)).toBeInstanceOf(ShadowStore);
});

it.each([true, 0, '', '61s', 60_001, 0.5, -1, '1 second', null, NaN])(
  'refuses denialCache %p at the start',
  async (value) => {
    await expect(start('fastify', { redis: undefined, denialCache: value as never })).rejects.toThrow(
      `RL_DENIAL_CACHE_INVALID: denialCache must be a span from 1 ms to 60 s, like '1s', or false to ask Redis every time, got ${
        typeof value === 'string' ? JSON.stringify(value) : value
      }`,
    );
  },
);

it.each(['60s', '1m', 60_000, 1, '1ms', undefined, false])('takes denialCache %p', async (value) => {
  await start('fastify', { redis: undefined, denialCache: value as never });
});
