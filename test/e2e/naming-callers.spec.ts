import { jest } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Logger,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  byAll,
  byApiKey,
  byFirst,
  byIp,
  byUser,
  ipKey,
  RateLimit,
  RateLimiter,
  type KeyResolver,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';

const plan: KeyResolver = (context) =>
  context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-plan'];

/** Who is logged in, and the context of the last request, as a guard has it. */
@Injectable()
class Authentication implements CanActivate {
  static context: ExecutionContext;

  canActivate(context: ExecutionContext): boolean {
    Authentication.context = context;
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: object }>();
    if (request.headers['x-user']) request.user = { userId: request.headers['x-user'] };
    return true;
  }
}

@Controller()
@UseGuards(Authentication)
class NamingController {
  @Get('login')
  @RateLimit('login')
  login() {}

  @Get('daily')
  @RateLimit('daily')
  daily() {}

  @Get('planned')
  @RateLimit('planned')
  planned() {}

  @Get('lookedUp')
  @RateLimit({ name: 'lookedUp', limit: 5, window: '1h', resolve: () => ({ key: '42' }) })
  lookedUp() {}
}

const policies = {
  login: { limit: 1, window: '1h', blockFor: 0 },
  daily: { limit: 1, window: '1d', key: byUser },
  planned: { limit: 1, window: '1d', key: plan },
  code: { limit: 1, window: '1d' },
} as const;

let warn: jest.SpiedFunction<Logger['warn']>;
beforeEach(() => {
  warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});
const warnings = () => warn.mock.calls.map(([text]) => String(text));

async function start(options: RateLimitModuleOptions = {}) {
  const app = await boot(
    'express',
    { policies, ...options },
    {
      controllers: [NamingController],
      prepare: (nest) => (nest as NestExpressApplication).set('trust proxy', 1),
    },
  );
  const status = async (path: string, address: string, headers = {}) =>
    (await app.get(path, { 'x-forwarded-for': address, ...headers })).status;
  return { status, limiter: app.nest.get(RateLimiter) };
}

describe('code that names a caller by its address', () => {
  it.each([
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7', '::ffff:203.0.113.7'],
    ['2001:db8:1:2ff::1', '2001:DB8:1:2fe::9'],
  ])('as %s reaches it, by whatever method', async (address, named) => {
    const { status, limiter } = await start({ keys: { ipv6Prefix: 56 } });
    for (const key of [`ip:${named}`, ipKey(named, 56)]) {
      expect([await status('/login', address), await status('/login', address)]).toEqual([200, 429]);
      expect(await limiter.peek('login', key)).toMatchObject({ remaining: 0 });
      await limiter.reset('login', key);
      await limiter.block('login', key, '1h');
      expect(await limiter.blockedFor('login', key)).toBeGreaterThan(0);
      expect(await status('/login', address)).toBe(429);
      await limiter.unblock('login', key);
      expect(await limiter.consume('login', key)).toMatchObject({ allowed: true });
      expect(await status('/login', address)).toBe(429);
      await limiter.limits.override('login', key, { limit: 2 });
      expect((await limiter.limits.get('login', key)).limit).toBe(2);
      expect(await status('/login', address)).toBe(200);
      await limiter.limits.clear('login', key);
      expect(await limiter.limits.list('login')).toHaveLength(1);
      const [one] = await limiter.consume([{ policy: 'login', key, cost: 0 }]);
      expect(one).toMatchObject({ remaining: 0 });
      await limiter.reset('login', key);
    }
    expect(warnings()).toEqual([]);
  });

  it('is on the lists that name this address, and not the line of which it is', async () => {
    const { limiter } = await start({ deny: ['2001:db8::1'], allow: [{ key: 'ip:::ffff:203.0.113.7' }] });
    const by = async (key: string) => (await limiter.peek('login', key)).by;
    expect(await by('ip:2001:db8::1')).toBe('list');
    expect(await by('ip:[2001:db8::1]:443')).toBe('list');
    expect(await by('ip:2001:db8::2')).toBe('store');
    expect(await by('ip:2001:db8::/64')).toBe('store');
    expect(await by('ip:203.0.113.7')).toBe('list');
    expect(await by('ip:::ffff:203.0.113.7')).toBe('list');
  });
});

describe('limiter.keyOf', () => {
  it("gives the key of a request by the module's settings, or undefined where the policy does not apply", async () => {
    const { status, limiter } = await start({ keys: { ipv6Prefix: 56, apiKeyHeader: 'x-token' } });
    await status('/daily', '2001:db8:1:2ff::1', { 'x-user': '42', 'x-token': 'secret' });
    const of = (resolver: KeyResolver) => limiter.keyOf(resolver, Authentication.context);
    expect(await of(byIp)).toBe('ip:2001:db8:1:200::/56');
    expect(await of(byUser)).toBe('user:42');
    expect(await of(byApiKey)).toMatch(/^key:[\w-]{22}$/);
    expect(await of(byAll(byUser, byIp))).toBe('user:42+ip:2001:db8:1:200::/56');
    expect(await of(byFirst(plan, byUser))).toBe('user:42');
    expect(await of(() => 42n)).toBe('42');
    expect(await of(plan)).toBeUndefined();
    expect(await of(async () => null)).toBeUndefined();
    expect(await of(byAll(plan, byUser))).toBeUndefined();
    await expect(of(() => NaN)).rejects.toMatchObject({ code: 'RL_KEY_INVALID' });
    const elsewhere = { getType: () => 'unheard-of' } as ExecutionContext;
    await expect(limiter.keyOf(byIp, elsewhere)).rejects.toMatchObject({ code: 'RL_KEY_INVALID' });

    await limiter.reset('daily', (await of(byUser))!);
    expect(await status('/daily', '203.0.113.7', { 'x-user': '42' })).toBe(200);
  });
});

describe('a key without its scheme', () => {
  it('is an error where it would reach nobody', async () => {
    const { limiter } = await start();
    for (const attempt of [
      () => limiter.limits.override('daily', '42', { limit: 9 }),
      () => limiter.reset('daily', '42'),
      () => limiter.block('login', '203.0.113.7', '1h'),
      () => limiter.unblock('login', 'ip:10.0.0.0/8'),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'RL_KEY_INVALID' });
    }
    await expect(limiter.reset('daily', '42')).rejects.toThrow(/Write "user:42"/);
    expect(await limiter.limits.list('daily')).toHaveLength(1);
    await limiter.limits.clear('daily', '42');
  });

  it('may be what code spends by, which is warned of once: requests have another quota', async () => {
    const { limiter } = await start();
    for (const key of ['42', '43']) expect(await limiter.consume('daily', key)).toMatchObject({ allowed: true });
    expect(await limiter.consume('daily', 'mail:ada')).toMatchObject({ allowed: true });
    await limiter.reset('daily', 'mail:ada');
    // What code spends, it may give back.
    await limiter.reset('daily', '42');
    await limiter.limits.override('daily', '43', { limit: 9 });
    expect(warnings()).toEqual([expect.stringMatching(/^daily: code uses the key "42"/)]);
    // To look makes no quota.
    await limiter.peek('login', 'ada');
    await limiter.limits.get('login', 'ada');
    await expect(limiter.reset('login', 'ada')).rejects.toMatchObject({ code: 'RL_KEY_INVALID' });
  });

  it('is any text where no handler has the policy, or its keys are not known', async () => {
    const { limiter } = await start();
    for (const policy of ['code', 'planned']) {
      await limiter.consume(policy, '42');
      await limiter.limits.override(policy, '42', { limit: 9 });
      await limiter.reset(policy, '42');
    }
    await limiter.reset({ name: 'daily', limit: 1, window: '1d' }, '42');
    expect(warnings()).toEqual([]);
  });
});

describe('a list entry that no request can be on', () => {
  @Controller()
  class ByAddress {
    @Get('one')
    @RateLimit({ name: 'one', limit: 5, window: '1h', deny: ['user:1', '10.0.0.0/8', { apiKey: 'leaked' }] })
    one() {}

    @Get('two')
    @RateLimit({ name: 'two', limit: 5, window: '1h', deny: ['user:1'] })
    two() {}
  }

  it('is warned of at boot, and one that code may have in mind is not', async () => {
    const lists = { allow: ['tenant:acme', 'mail:ops', { key: 'own' }], deny: ['203.0.113.7'] };
    await boot('express', lists, { controllers: [ByAddress] });
    expect(warnings()).toEqual([
      'RateLimitModule: allow: tenant:acme exempts nobody, because no policy counts by tenant. Use key: byTenant, or list addresses or API keys.',
      'one, two: deny: user:1 refuses nobody, because the policy does not count by user. Use key: byUser, or list addresses or API keys.',
    ]);
  });

  it('is not one that a policy counts by, or may count by', async () => {
    await start({ deny: ['user:1', 'tenant:acme'] });
    expect(warnings()).toEqual([]);
  });
});
