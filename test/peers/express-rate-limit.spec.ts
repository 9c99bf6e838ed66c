import { Controller, Get, type DynamicModule } from '@nestjs/common';
import { jest } from '@jest/globals';
import { MemoryStore, rateLimit, type Options, type Store } from 'express-rate-limit';
import { byHeader, RateLimit } from 'nestjs-redis-rate-limit';
import { boot, closeApps, type App } from '../support/app.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { statuses, stillWaiting } from './side-by-side.js';

// What the README and docs/migrating say of express-rate-limit. A test that fails tells that it has become better.

@Controller()
class CatsController {
  @Get()
  find() {
    return 'cats';
  }
}

@Controller()
class LimitedController {
  @Get()
  @RateLimit('tenant', 'user')
  find() {
    return 'cats';
  }
}

class NoLimits {}
const noLimits: DynamicModule = { module: NoLimits };

const stores: MemoryStore[] = [];
const abandoned = new AbortController();
let server: Server | undefined;
afterEach(async () => {
  await closeApps();
  for (const store of stores.splice(0)) store.shutdown();
  await server?.stop();
  server = undefined;
});

const inMemory = (): MemoryStore => {
  const store = new MemoryStore();
  stores.push(store);
  return store;
};

/** An application with one middleware for each of these. */
const limitedBy = (...limits: Partial<Options>[]): Promise<App> =>
  boot('express', noLimits, {
    controllers: [CatsController],
    prepare: (nest) =>
      limits.forEach((options) => nest.use(rateLimit({ windowMs: 60_000, store: inMemory(), ...options }))),
  });

const header = (name: string) => (request: { headers: Record<string, string> }) => request.headers[name]!;

describe('a denial by one limit', () => {
  const ann = { tenant: 'acme', user: 'ann' };
  const bob = { tenant: 'acme', user: 'bob' };

  it('has spent those of the middlewares before it', async () => {
    const tenant = { limit: 3, keyGenerator: header('tenant') };
    const user = { limit: 1, keyGenerator: header('user') };
    const app = await limitedBy(tenant, user);
    expect(await statuses(4, () => app.get('/', ann))).toEqual([200, 429, 429, 429]);
    expect(await statuses(1, () => app.get('/', bob))).toEqual([429]);
  });

  it('of ours has spent none', async () => {
    const policies = {
      tenant: { limit: 3, window: '1m', key: byHeader('tenant') },
      user: { limit: 1, window: '1m', key: byHeader('user') },
    } as const;
    const app = await boot('express', { policies }, { controllers: [LimitedController] });
    expect(await statuses(4, () => app.get('/', ann))).toEqual([200, 429, 429, 429]);
    expect(await statuses(1, () => app.get('/', bob))).toEqual([200]);
  });
});

it('its store is asked for each limit and for each denial, is told a key and no cost, and counts denials', async () => {
  const [first, second] = [inMemory(), inMemory()];
  const asked = [first, second].map((store) => jest.spyOn(store, 'increment'));
  const keyGenerator = () => 'everybody';
  const app = await limitedBy({ limit: 1, store: first, keyGenerator }, { limit: 5, store: second, keyGenerator });
  expect(await statuses(5, () => app.get('/'))).toEqual([200, 429, 429, 429, 429]);
  expect(asked[0]!.mock.calls).toEqual(Array.from({ length: 5 }, () => ['everybody']));
  expect(asked[1]!.mock.calls).toEqual([['everybody']]);
  expect(await first.get('everybody')).toMatchObject({ totalHits: 5 });
});

it('it waits for as long as its store does; ours has answered while Redis is frozen', async () => {
  server = await startRedis();
  const policies = { tenant: { limit: 3, window: '1m' }, user: { limit: 3, window: '1m' } } as const;
  const [theirs, ours] = [
    await limitedBy({ store: storeThat(() => new Promise<never>(() => {})) }),
    await boot('express', { redis: server.url, policies }, { controllers: [LimitedController] }),
  ];
  await ours.get('/');
  await server.freeze();
  const answer = fetch(theirs.url, { signal: abandoned.signal });
  expect(await statuses(1, () => ours.get('/'))).toEqual([200]);
  expect(await stillWaiting(answer)).toBe(true);
  abandoned.abort();
});

it('a store that fails is a 500 of it, or lets all pass', async () => {
  const logger = { error: () => {}, warn: () => {} };
  const store = () => storeThat(() => Promise.reject(new Error('away')));
  const strict = await limitedBy({ limit: 1, store: store(), logger });
  expect(await statuses(2, () => strict.get('/'))).toEqual([500, 500]);
  const lax = await limitedBy({ limit: 1, store: store(), logger, passOnStoreError: true });
  expect(await statuses(2, () => lax.get('/'))).toEqual([200, 200]);
});

it('it sends X-RateLimit fields unless told otherwise, and a denial as text', async () => {
  const app = await limitedBy({ limit: 1 });
  const passed = await app.get('/');
  expect(passed.headers.get('x-ratelimit-remaining')).toBe('0');
  expect(passed.headers.get('ratelimit')).toBeNull();
  const denied = await app.get('/');
  expect(denied.headers.get('retry-after')).toBe('60');
  expect(denied.headers.get('content-type')).toMatch(/^text\/html/);
  expect(await denied.text()).toBe('Too many requests, please try again later.');
});

it('it has the fields of the draft’s eighth version, for the asking', async () => {
  const app = await limitedBy({ limit: 2, standardHeaders: 'draft-8', legacyHeaders: false, identifier: 'cats' });
  const { headers } = await app.get('/');
  expect(headers.get('ratelimit')).toBe('"cats"; r=1; t=60');
  expect(headers.get('ratelimit-policy')).toMatch(/^"cats"; q=2; w=60; pk=:.+:$/);
});

it('it logs an option that it does not know, and goes on', async () => {
  const logger = { error: jest.fn(), warn: jest.fn() };
  const app = await limitedBy({ limt: 1, logger } as Partial<Options>);
  expect(await statuses(2, () => app.get('/'))).toEqual([200, 200]);
  expect(logger.error).toHaveBeenCalled();
});

/** A store of which only the answer matters. */
const storeThat = (increment: Store['increment']): Store => ({
  increment,
  decrement: () => {},
  resetKey: () => {},
});
