import { Controller, Get } from '@nestjs/common';
import { byHeader, RateLimit } from 'nestjs-redis-rate-limit';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { boot, closeApps, type App } from '../support/app.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { statuses, stillWaiting } from './side-by-side.js';

// What the README and docs/migrating say of @nestjs/throttler. A test that fails tells that it has become better.

let apps: ChildProcess;
let urls: Record<string, string>;
beforeAll(async () => {
  const file = fileURLToPath(new URL('throttler-apps.mjs', import.meta.url));
  apps = fork(file, { execArgv: [], timeout: 120_000 });
  const failed = once(apps, 'exit').then(([code]) => Promise.reject(new Error(`the applications ended with ${code}`)));
  [urls] = (await Promise.race([once(apps, 'message'), failed])) as [Record<string, string>];
  failed.catch(() => {});
});
afterAll(async () => {
  if (apps.exitCode !== null || !apps.connected) return;
  apps.disconnect();
  await once(apps, 'exit');
});

let server: Server | undefined;
const abandoned = new AbortController();
afterEach(async () => {
  await closeApps();
  await server?.stop();
  server = undefined;
});

const ask = (app: string, path = '/', headers: Record<string, string> = {}) =>
  fetch(urls[app]! + path, { headers, signal: abandoned.signal });
afterAll(() => abandoned.abort());

@Controller()
class CatsController {
  @Get()
  @RateLimit('tenant', 'user')
  find() {
    return 'cats';
  }
}

const policies = {
  tenant: { limit: 3, window: '1m', key: byHeader('tenant') },
  user: { limit: 1, window: '1m', key: byHeader('user') },
} as const;

const ours = (redis?: string): Promise<App> => boot('express', { redis, policies }, { controllers: [CatsController] });

describe('a denial by one limit', () => {
  const ann = { tenant: 'acme', user: 'ann' };
  const bob = { tenant: 'acme', user: 'bob' };

  it('of the throttler has spent those that were asked before it', async () => {
    expect(await statuses(4, () => ask('tenantAndUser', '/', ann))).toEqual([200, 429, 429, 429]);
    expect(await statuses(1, () => ask('tenantAndUser', '/', bob))).toEqual([429]);
  });

  it('of ours has spent none', async () => {
    const app = await ours();
    expect(await statuses(4, () => app.get('/', ann))).toEqual([200, 429, 429, 429]);
    expect(await statuses(1, () => app.get('/', bob))).toEqual([200]);
  });
});

it('the throttler asks its storage once for each limit, and tells no cost', async () => {
  expect(await statuses(1, () => ask('threeLimits'))).toEqual([200]);
  const [key, ttl, limit, blockDuration, name] = ['string', 'number', 'number', 'number', 'string'];
  const told = [key, ttl, limit, blockDuration, name];
  expect(await (await ask('threeLimits', '/asked')).json()).toEqual([told, told, told]);
});

it('the throttler asks its storage for each denial anew', async () => {
  await ask('threeLimits');
  await (await ask('threeLimits', '/asked')).json();
  expect(await statuses(5, () => ask('threeLimits'))).toEqual([429, 429, 429, 429, 429]);
  expect(await (await ask('threeLimits', '/asked')).json()).toHaveLength(5);
});

it('the throttler waits for as long as its storage does; ours has answered while Redis is frozen', async () => {
  server = await startRedis();
  const app = await ours(server.url);
  await app.get('/');
  await server.freeze();
  const answer = ask('silentStorage');
  expect(await statuses(1, () => app.get('/', { user: 'cat' }))).toEqual([200]);
  expect(await stillWaiting(answer)).toBe(true);
});

it('a storage that fails is a 500 of the throttler', async () => {
  expect(await statuses(1, () => ask('failingStorage'))).toEqual([500]);
});

it('the throttler sends X-RateLimit fields, a Retry-After for each name, and a JSON body that is no problem', async () => {
  const passed = await ask('tenantAndUser', '/', { tenant: 't', user: 'u' });
  expect(passed.headers.get('x-ratelimit-remaining-tenant')).toBe('2');
  const denied = await ask('tenantAndUser', '/', { tenant: 't', user: 'u' });
  expect(denied.status).toBe(429);
  expect(denied.headers.get('retry-after-user')).toBe('60');
  expect(denied.headers.get('retry-after')).toBeNull();
  for (const answer of [passed, denied]) expect(answer.headers.get('ratelimit')).toBeNull();
  expect(denied.headers.get('content-type')).toMatch(/^application\/json/);
});

it('the throttler starts with a name and an option that it does not know, and does not limit by them', async () => {
  expect(await statuses(2, () => ask('mistakes'))).toEqual([200, 200]);
});

it('a bare @SkipThrottle() skips no limit that has a name', async () => {
  expect(await statuses(2, () => ask('skipped'))).toEqual([200, 429]);
});

it('controllers of one class name share a quota of the throttler', async () => {
  expect(await statuses(1, () => ask('twins', '/black'))).toEqual([200]);
  expect(await statuses(1, () => ask('twins', '/white'))).toEqual([429]);
});

it('a skipIf that is asynchronous skips always', async () => {
  expect(await statuses(3, () => ask('skipIfPromise'))).toEqual([200, 200, 200]);
});
