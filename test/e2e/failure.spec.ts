import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get } from '@nestjs/common';
import {
  MemoryStore,
  RateLimit,
  RATE_LIMIT_STORE,
  StoreUnavailableError,
  type RateLimitStore,
} from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { awakeClock } from '../support/awake.mjs';
import { startRedis, type Server } from '../support/redis/servers.js';
import { soonAfter } from '../support/soon-after.js';

@Controller()
class FailureController {
  @Get('local')
  @RateLimit({ name: 'local', limit: 2, window: '1h' })
  local() {}

  @Get('open')
  @RateLimit({ name: 'open', limit: 1, window: '1h', onStoreFailure: 'open' })
  open() {}

  @Get('shut')
  @RateLimit({ name: 'shut', limit: 0, window: '1h', onStoreFailure: 'open' })
  shut() {}

  @Get('closed')
  @RateLimit({ name: 'closed', limit: 5, window: '1h', onStoreFailure: 'closed' })
  closed() {}

  @Get('mixed')
  @RateLimit('open', 'closed', 'local')
  mixed() {}

  @Get('half')
  @RateLimit('open', 'local')
  half() {}

  @Get('unlimited')
  unlimited() {}
}

const controllers = [FailureController];
let server: Server | undefined;

afterEach(async () => {
  await closeApps();
  await server?.stop();
  server = undefined;
});

/** The deadline is 250 ms by default; the rest is the application's own way, Nest's and HTTP's. */
const IN_TIME = 400;

async function inTime<T>(ask: () => Promise<T>): Promise<T> {
  const clock = awakeClock();
  try {
    const answer = await ask();
    expect(clock.now()).toBeLessThan(IN_TIME);
    return answer;
  } finally {
    clock.stop();
  }
}

describe.each(adapters)('when Redis does not answer, on %s', (adapter) => {
  async function expectFailureModes(get: (path: string) => Promise<Response>) {
    const status = async (path: string) => (await inTime(() => get(path))).status;
    expect([await status('/local'), await status('/local'), await status('/local')]).toEqual([200, 200, 429]);
    expect([await status('/open'), await status('/open')]).toEqual([200, 200]);
    expect(await status('/shut')).toBe(429);
    // Local quota decides beside an open one, and a closed one closes all.
    expect(await status('/half')).toBe(429);
    const mixed = await inTime(() => get('/mixed'));
    expect([mixed.status, await mixed.json()]).toEqual([
      503,
      expect.objectContaining({ status: 503, 'violated-policies': ['closed'] }),
    ]);
    expect(await status('/unlimited')).toBe(200);

    const closed = await inTime(() => get('/closed'));
    expect(closed.status).toBe(503);
    expect(closed.headers.get('retry-after')).toBe('1');
    expect(closed.headers.get('cache-control')).toBe('no-store');
    expect(closed.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const body = await closed.text();
    expect(JSON.parse(body)).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      status: 503,
      message: 'The quota of "closed" cannot be checked at the moment. Try again shortly.',
      'violated-policies': ['closed'],
    });
    expect(body).not.toMatch(/redis|ECONN|timed? ?out/i);
  }

  it('a server that is frozen, then answers again', async () => {
    server = await startRedis();
    const { get } = await boot(adapter, { redis: server.url }, { controllers });
    expect((await get('/closed')).status).toBe(200);
    await server.freeze();
    await expectFailureModes(get);
    await server.thaw();
    // What was given up while it was frozen was not charged when it thawed.
    const left = async () => (await get('/closed')).headers.get('ratelimit');
    let field = await left();
    for (const end = performance.now() + 10_000; !field && performance.now() < end;) field = await left();
    expect(field).toMatch(/^"closed";r=3;/);
  });

  it('a server that is down when the application starts, and comes up later', async () => {
    server = await startRedis();
    await server.kill();
    const { url } = server;
    const { get } = await inTime(() => boot(adapter, { redis: url }, { controllers }));
    await expectFailureModes(get);
    await server.restart();
    let answer = await get('/closed');
    for (const end = Date.now() + 10_000; answer.status !== 200 && Date.now() < end;) answer = await get('/closed');
    expect(answer.headers.get('ratelimit')).toMatch(/^"closed";r=4;/);
  });

  it('a server that dies while the application runs', async () => {
    server = await startRedis();
    const { get } = await boot(adapter, { redis: server.url }, { controllers });
    expect((await get('/closed')).status).toBe(200);
    await server.kill();
    await expectFailureModes(get);
  });

  it('the module’s onStoreFailure is the policies’ default', async () => {
    const store: RateLimitStore = {
      consume: async () => Promise.reject(new StoreUnavailableError('away')),
      reset: async () => {},
    };
    const { get } = await boot(adapter, { store, onStoreFailure: 'closed' }, { controllers });
    expect([(await get('/local')).status, (await get('/open')).status]).toEqual([503, 200]);
  });

  it('a 503 names the policies that are closed, and none beside them', async () => {
    const store: RateLimitStore = {
      consume: async () => Promise.reject(new StoreUnavailableError('away')),
      reset: async () => {},
    };
    const closed = async (path: string, options: object = {}) => {
      const { get } = await boot(adapter, { store, ...options }, { controllers });
      const answer = await get(path);
      return [answer.status, ((await answer.json()) as Record<string, unknown>)['violated-policies']];
    };
    expect(await closed('/mixed')).toEqual([503, ['closed']]);
    expect(await closed('/mixed', { onStoreFailure: 'closed' })).toEqual([503, ['closed', 'local']]);
    expect(await closed('/half', { onStoreFailure: 'closed' })).toEqual([503, ['local']]);
  });

  it('instances share a quota while the store is away, and one that is no number of them is a boot error', async () => {
    const store: RateLimitStore = {
      consume: async () => Promise.reject(new StoreUnavailableError('away')),
      reset: async () => {},
    };
    const { get } = await boot(adapter, { store, instances: 2 }, { controllers });
    const fields = [await get('/local'), await get('/local')].map(({ status, headers }) => [
      status,
      headers.get('ratelimit'),
    ]);
    expect(fields).toEqual([
      [200, soonAfter('"local";r=0;t=3600')],
      [429, soonAfter('"local";r=0;t=3600')],
    ]);
    for (const instances of [0, 1.5, -2, '4', NaN]) {
      await expect(boot(adapter, { store, instances: instances as number }, { controllers })).rejects.toThrow(
        /RL_INSTANCES_INVALID: instances must be the number of instances/,
      );
    }
  });

  it('an observer hears of it once each time, and one that throws harms nobody', async () => {
    let down = true;
    const memory = new MemoryStore();
    const store: RateLimitStore = {
      consume: async (hits) => (down ? Promise.reject(new StoreUnavailableError('away')) : memory.consume(hits)),
      reset: async () => {},
    };
    const heard: string[] = [];
    const observer = {
      storeFailed: ({ detail }: StoreUnavailableError) => void heard.push(detail),
      async storeAnswers(away: number) {
        heard.push(Number.isInteger(away) && away >= 200 && away < 1_000 ? 'answers' : `away for ${away}`);
        // Nothing that can be made text of.
        throw Object.create(null);
      },
    };
    const { get } = await boot(adapter, { store, observer }, { controllers });
    for (let i = 0; i < 3; i++) expect((await get('/open')).status).toBe(200);
    expect(heard).toEqual(['away']);
    down = false;
    // It is said to answer when nothing has failed for a second, and to have been away until its first answer.
    await sleep(200);
    expect((await get('/closed')).status).toBe(200);
    expect(heard).toEqual(['away']);
    await sleep(1_100);
    expect([(await get('/closed')).status, (await get('/closed')).status]).toEqual([200, 200]);
    expect(heard).toEqual(['away', 'answers']);
    for (const observer of [null, 'console', { storeFailed: true }]) {
      await expect(boot(adapter, { store, observer: observer as object }, { controllers })).rejects.toThrow(
        /RL_OPTION_INVALID: observer/,
      );
    }
  });

  it('an error that is the store’s own fault is a 500 and no free pass', async () => {
    const store: RateLimitStore = {
      consume: async () => Promise.reject(new TypeError('a bug')),
      reset: async () => {},
    };
    const { get } = await boot(adapter, { store }, { controllers });
    expect((await get('/open')).status).toBe(500);
  });

  it('a store of the user’s own is used, and decisions without it say so', async () => {
    const memory = new MemoryStore();
    let down = false;
    const store: RateLimitStore = {
      consume: async (hits) => (down ? Promise.reject(new StoreUnavailableError('away')) : memory.consume(hits)),
      reset: (policy, key) => memory.reset(policy, key),
    };
    const { get, nest } = await boot(adapter, { store }, { controllers });
    expect((await get('/local')).status).toBe(200);
    const layered = nest.get<RateLimitStore>(RATE_LIMIT_STORE);
    const { definePolicy } = await import('nestjs-redis-rate-limit');
    const hit = { policy: definePolicy({ name: 'x', limit: 2, window: '1h' }), key: 'k', cost: 1 };
    expect((await layered.consume([hit]))[0]).toMatchObject({ allowed: true, by: 'store' });
    down = true;
    expect((await layered.consume([hit]))[0]).toMatchObject({ allowed: true, remaining: 0, by: 'local' });
    expect((await layered.consume([hit]))[0]).toMatchObject({ allowed: false, by: 'local' });
  });
});
