import { jest } from '@jest/globals';
import { Controller, Get, Logger, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { byIp, byUser, RateLimit, type LiveLimit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { LimitsController } from '../../docs/examples/limits.controller.js';
import { LoginController, Passwords } from '../../docs/examples/login.controller.js';
import { lastKnown } from '../../docs/examples/last-known.js';
import { pseudonymous } from '../../docs/examples/pseudonymous.js';
import { requests } from '../../docs/examples/requests-by-plan.js';
import { TooManyFilter } from '../../docs/examples/too-many.filter.js';
import { WatchingModule, WatchLimits } from '../../docs/examples/watching.module.js';
import { adapters, boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const SECRET = 'of the test';

class FakeUsers implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    request.user = { id: request.headers['x-user'], plan: request.headers['x-plan'] };
    return true;
  }
}

@Controller()
class PrivateController {
  @Get('address')
  @RateLimit({ name: 'address', limit: 5, window: '1h', key: pseudonymous(byIp, SECRET) })
  address() {}

  @Get('user')
  @RateLimit({ name: 'user', limit: 5, window: '1h', key: pseudonymous(byUser, SECRET) })
  user() {}
}

@Controller()
class PlainController {
  @Get('plain')
  plain() {}
}

@Controller()
class DenyingController {
  @Get('large')
  @RateLimit({ name: 'large', limit: 5, window: '1h', cost: () => 6 })
  large() {}

  @Get('once')
  @RateLimit({ name: 'once', limit: 1, window: '1h' })
  once() {}
}

@Controller()
class TrialController {
  @Get('trial')
  @RateLimit('trial')
  trial() {}
}

let server: Server | undefined;
afterEach(async () => {
  await closeApps();
  closeClients();
  await server?.stop();
  server = undefined;
});

describe.each(adapters)('the examples of the documentation, on %s', (adapter) => {
  it('pseudonymous: nobody is named in Redis, each has a quota of his own, and a user is known in time', async () => {
    server = await startRedis();
    const { get } = await boot(
      adapter,
      { redis: server.url },
      { controllers: [PrivateController], prepare: (nest) => nest.useGlobalGuards(new FakeUsers()) },
    );
    const left = async (path: string, user: string) =>
      (await get(path, { 'x-user': user })).headers.get('ratelimit')!.split(';')[1];
    expect([await left('/user', 'alice'), await left('/user', 'alice'), await left('/user', 'bob')]).toEqual([
      'r=4',
      'r=3',
      'r=4',
    ]);
    expect([await left('/address', 'alice'), await left('/address', 'bob')]).toEqual(['r=4', 'r=3']);
    const keys = await connectTo(server.url).keys('*');
    expect(keys).toHaveLength(3);
    for (const key of keys) expect(key).toMatch(/^rl:\{[\w-]{43}\}:(user|address):fw3600000$/);
  });

  const passwords = {
    provide: Passwords,
    useValue: { areRight: async (login: { password?: string }) => login.password === 'right' },
  };
  const loginApp = async () =>
    (await boot(adapter, {}, { controllers: [LoginController], providers: [passwords] })).url;
  const login = async (url: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${url}/login`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  };
  const attempts = async (url: string, count: number, body: (i: number) => unknown) => {
    const statuses = [];
    for (let i = 0; i < count; i++) statuses.push(await login(url, body(i)));
    return statuses.filter((status) => status !== 429).length;
  };

  it('login: an account is tried ten times with a wrong password, however it is spelled', async () => {
    const url = await loginApp();
    const spelled = ['a@b.example', 'A@B.example', ' a@b.example ', 'ａ@b.example'];
    expect(await attempts(url, 15, (i) => ({ email: spelled[i % 4], password: 'right' }))).toBe(15);
    expect(await attempts(url, 20, (i) => ({ email: spelled[i % 4] }))).toBe(10);
    expect(await login(url, { email: 'a@b.example', password: 'right' })).toBe(429);
    expect(await login(url, { email: 'c@d.example', password: 'right' })).toBe(200);
  });

  it('login: twenty wrong passwords at once are ten tries', async () => {
    const url = await loginApp();
    const tries = await Promise.all(Array.from({ length: 20 }, () => login(url, { email: 'a@b.example' })));
    expect(tries.filter((status) => status === 401)).toHaveLength(10);
    expect(tries.filter((status) => status === 429)).toHaveLength(10);
  });

  it('login: an address fails thirty times, whatever it sends for an account', async () => {
    const url = await loginApp();
    const odd = [{}, { email: 5 }, { email: ['a@b.example'] }, { email: null }, [], { email: { $ne: '' } }];
    expect(await attempts(url, 40, (i) => odd[i] ?? { email: `${i}@b.example` })).toBe(30);
  });

  it('requests by plan: a gold user has ten times what a free one has, and who has no known plan is free', async () => {
    const { get } = await boot(
      adapter,
      { policies: { requests }, default: ['requests'] },
      { controllers: [PlainController], prepare: (nest) => nest.useGlobalGuards(new FakeUsers()) },
    );
    const left = async (headers: Record<string, string>) => {
      const answer = await get('/plain', headers);
      return `${answer.status} ${/r=(\d+)/.exec(answer.headers.get('ratelimit')!)![1]}`;
    };
    expect(await left({ 'x-user': 'ann', 'x-plan': 'gold' })).toBe('200 599');
    expect(await left({ 'x-user': 'bob', 'x-plan': 'free' })).toBe('200 59');
    expect(await left({ 'x-user': 'eve', 'x-plan': 'constructor' })).toBe('200 59');
    expect(await left({})).toBe('200 59');
    // Upgraded: what he has used stays used.
    expect(await left({ 'x-user': 'bob', 'x-plan': 'gold' })).toBe('200 598');
  });

  const admin = async (url: string, policy: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/admin/limits/${policy}`, { method: 'PUT', headers, body: JSON.stringify(body) });
    return {
      status: answer.status,
      ...((await answer.json()) as Partial<LiveLimit & Record<'code' | 'message', string>>),
    };
  };
  const shownBy = async (url: string) => (await (await fetch(`${url}/admin/limits`)).json()) as LiveLimit[];
  const limited: RateLimitModuleOptions = { policies: { daily: { limit: 5, window: '1d' } }, default: ['daily'] };

  it('limits: of two admins who were shown the same, the second is told, and overwrites nothing', async () => {
    const { url, get } = await boot(adapter, limited, { controllers: [LimitsController, PlainController] });
    const shown = await shownBy(url);
    expect(shown).toMatchObject([{ policy: 'daily', limit: 5, burst: 5, defined: { limit: 5 }, version: 0 }]);
    const { version } = shown[0]!;
    const first = await admin(url, 'daily', { limit: 8, version });
    expect(first).toMatchObject({ status: 200, limit: 8 });
    expect(await admin(url, 'daily', { limit: 9, version })).toMatchObject({
      status: 409,
      code: 'RL_LIMIT_CHANGED',
    });
    expect(await admin(url, 'daily', { limit: null, version })).toMatchObject({ status: 409 });
    expect((await get('/plain')).headers.get('ratelimit-policy')).toBe('"daily";q=8;w=86400');
    expect(await admin(url, 'daily', { limit: null, version: first.version })).toMatchObject({ limit: 5, version: 0 });
  });

  it('limits: one customer has his own, and an admin who closes the policy gets it open again', async () => {
    const { url, get } = await boot(adapter, limited, { controllers: [LimitsController, PlainController] });
    const closed = await admin(url, 'daily', { limit: 0, version: 0 });
    expect((await get('/plain')).status).toBe(429);
    expect(await admin(url, 'daily', { key: 'ip:127.0.0.1', limit: 2, version: 0 })).toMatchObject({ status: 200 });
    expect((await get('/plain')).headers.get('ratelimit-policy')).toBe('"daily";q=2;w=86400');
    expect((await shownBy(url)).map(({ limit }) => limit)).toEqual([0, 2]);
    expect(await admin(url, 'daily', { limit: null, version: closed.version })).toMatchObject({ limit: 5 });
  });

  it.each([
    ['daily', { limit: 5 }, 'send the version'],
    ['daily', { version: 0 }, 'RL_LIMIT_INVALID'],
    ['daily', { limit: -1, version: 0 }, 'RL_LIMIT_INVALID'],
    ['daily', { key: 42, limit: 5, version: 0 }, 'RL_KEY_INVALID'],
    ['dayly', { limit: 5, version: 0 }, 'RL_UNKNOWN_POLICY'],
  ])('limits: a change of %s by %j is a 400 that says why', async (policy, body, why) => {
    const { url } = await boot(adapter, limited, { controllers: [LimitsController] });
    const { status, code, message } = await admin(url, policy, body);
    expect([status, `${code} ${message}`]).toEqual([400, expect.stringContaining(why)]);
  });

  it('limits: while Redis is away, both are a 503', async () => {
    server = await startRedis();
    const { url, get } = await boot(adapter, { ...limited, redis: server.url }, { controllers: [LimitsController] });
    await server.stop();
    server = undefined;
    expect((await get('/admin/limits')).status).toBe(503);
    expect((await admin(url, 'daily', { limit: 8, version: 0 })).status).toBe(503);
  });

  it('the last known plan goes on while the lookup fails or is slow; who has none yet has the own numbers', async () => {
    const plans = { answer: (): Promise<number> => Promise.resolve(50) };
    const planOf = lastKnown(async (user: string) => ({ limit: await plans.answer(), key: user }), 1);
    const userOf = (context: ExecutionContext): string =>
      context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-user']!;
    const { get } = await boot(
      adapter,
      {
        policies: { plan: { limit: 5, window: '1h', key: userOf, resolve: (context) => planOf(userOf(context)) } },
        default: ['plan'],
      },
      { controllers: [PlainController] },
    );
    const quota = async (user: string) =>
      /q=(\d+)/.exec((await get('/plain', { 'x-user': user })).headers.get('ratelimit-policy')!)![1];
    expect(await quota('ann')).toBe('50');
    plans.answer = () => Promise.reject(new Error('the database is away'));
    expect([await quota('ann'), await quota('bob')]).toEqual(['50', '5']);
    plans.answer = () => new Promise(() => {});
    expect(await quota('ann')).toBe('50');
    plans.answer = () => Promise.resolve(70);
    expect([await quota('ann'), await quota('bob')]).toEqual(['70', '70']);
  });

  it('watch limits: denials are counted, also in shadow, and a customer near a limit is named', async () => {
    const said = jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
    const trial = { limit: 2, window: '1h', key: () => 'tenant:acme', mode: 'shadow', warnAt: 0.9 } as const;
    const { nest, get } = await boot(
      adapter,
      { policies: { trial } },
      { controllers: [DenyingController, TrialController], imports: [WatchingModule] },
    );
    for (const path of ['/once', '/once', '/trial', '/trial', '/trial']) await get(path);
    expect(Object.fromEntries(nest.get(WatchLimits).denials)).toEqual({ 'once: limit': 1, 'trial: would be limit': 1 });
    expect(said.mock.calls.filter(([text]) => /acme/.test(String(text)))).toEqual([
      ['tenant:acme has 0 of 2 left under trial'],
    ]);
    said.mockRestore();
  });
});

it('the filter of a 429 on Express tells a wait, and none where the request can never pass', async () => {
  const { get } = await boot(
    'express',
    {},
    { controllers: [DenyingController], prepare: (nest) => nest.useGlobalFilters(new TooManyFilter()) },
  );
  expect((await get('/once')).status).toBe(200);
  const denied = await get('/once');
  expect([denied.status, await denied.json()]).toEqual([429, { error: 'slow down', in: expect.any(Number) }]);
  const never = await get('/large');
  expect([never.status, never.headers.get('retry-after')]).toEqual([429, null]);
  expect(await never.json()).toEqual({ error: 'more than the quota' });
});
