import { BadRequestException, Controller, Get, Query } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { documentRateLimits } from 'nestjs-redis-rate-limit/openapi';
import { randomUUID } from 'node:crypto';
import {
  RateLimit,
  RateLimiter,
  StoreUnavailableError,
  type DecisionEvent,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps, type Adapter } from '../support/app.js';
import { sharedRedis } from '../support/redis/servers.js';

const KEY = 'ip:127.0.0.1';

@Controller()
class ThingsController {
  @Get('both')
  @RateLimit('enforced', 'trial')
  both() {
    return 'both';
  }

  @Get('trial')
  @RateLimit('trial')
  trial() {
    return 'trial';
  }

  @Get('plain')
  plain() {
    return 'plain';
  }

  @Get('blocking')
  @RateLimit('blocking')
  blocking() {}

  @Get('slots')
  @RateLimit({ algorithm: 'concurrency', limit: 1, name: 'slots', mode: 'shadow' })
  slots() {}

  @Get('login')
  @RateLimit({ name: 'login', limit: 2, window: '1h', count: 'failures', mode: 'shadow', onStoreFailure: 'closed' })
  login(@Query('right') right: string | undefined) {
    if (!right) throw new BadRequestException();
  }
}

const policies = {
  enforced: { limit: 3, window: '1h' },
  trial: { limit: 1, window: '1h', mode: 'shadow', warnAt: 0.5 },
  blocking: { limit: 1, window: '1s', blockFor: '1h', mode: 'shadow' },
} as const satisfies RateLimitModuleOptions['policies'];

afterEach(closeApps);

async function start(adapter: Adapter, options: Partial<RateLimitModuleOptions> = {}) {
  const events: DecisionEvent[] = [];
  const observer = { decided: (event: DecisionEvent) => void events.push(event) };
  const app = await boot(adapter, { policies, observer, ...options }, { controllers: [ThingsController] });
  const limiter = app.nest.get(RateLimiter);
  const answer = async (path: string) => {
    const { status, headers } = await app.get(path);
    return [status, headers.get('ratelimit-policy'), headers.get('ratelimit'), headers.get('retry-after')];
  };
  const statuses = async (path: string, times: number) => {
    const found: number[] = [];
    for (let i = 0; i < times; i++) found.push((await app.get(path)).status);
    return found;
  };
  return { app, limiter, events, answer, statuses };
}

describe.each([
  { adapter: 'express' as const, where: 'memory' },
  { adapter: 'fastify' as const, where: 'Redis' },
])('a policy in shadow, on $adapter in $where', ({ adapter, where }) => {
  const store = () => (where === 'Redis' ? { redis: sharedRedis().url, prefix: randomUUID() } : {});

  it('denies nobody, sends no field, and reports what it would do', async () => {
    const { answer, events, limiter } = await start(adapter, store());
    for (let i = 0; i < 3; i++) expect(await answer('/trial')).toEqual([200, null, null, null]);
    expect(events).toMatchObject([
      { policy: 'trial', allowed: true, passed: true, shadow: true, by: 'store', reason: undefined, remaining: 0 },
      { policy: 'trial', allowed: false, passed: false, shadow: true, reason: 'limit' },
      { policy: 'trial', allowed: false, passed: false, shadow: true, reason: 'limit' },
    ]);
    expect(await limiter.consume('trial', KEY)).toMatchObject({
      allowed: true,
      retryAfter: 0,
      shadow: { allowed: false, limit: 1, remaining: 0 },
    });
    expect(await limiter.wait('trial', KEY)).toMatchObject({ allowed: true, shadow: { allowed: false } });
  });

  it('leaves the answers under the policies beside it as they are, also their denials', async () => {
    const { answer, events } = await start(adapter, store());
    const expected = [2, 1, 0].map((left) => [200, '"enforced";q=3;w=3600', `"enforced";r=${left};t=3600`, null]);
    const answers = [await answer('/both'), await answer('/both'), await answer('/both')];
    expect(answers).toEqual(expected);
    events.length = 0;
    expect(await answer('/both')).toEqual([429, '"enforced";q=3;w=3600', '"enforced";r=0;t=3600', '3600']);
    // It is not asked about then, and nothing is counted.
    expect(events).toMatchObject([
      { policy: 'enforced', allowed: false, shadow: false },
      { policy: 'trial', allowed: true, passed: false, shadow: true, by: 'open' },
    ]);
  });

  it('is not in the document of the API until it enforces', async () => {
    const { app, limiter } = await start(adapter, store());
    const documented = () => {
      documentRateLimits(app.nest);
      const { paths } = SwaggerModule.createDocument(app.nest, new DocumentBuilder().build());
      return [paths['/both']!.get!.responses['429'], paths['/trial']!.get!.responses['429']];
    };
    expect(documented()).toMatchObject([
      { description: 'Over the quota of "enforced" (3 per 1h).' },
      undefined as never,
    ]);
    await limiter.limits.set('trial', { mode: 'enforce' });
    expect(documented()).toMatchObject([
      { description: 'Over the quota of "enforced" (3 per 1h) or "trial" (1 per 1h).' },
      { description: 'Over the quota of "trial" (1 per 1h).' },
    ]);
  });

  it('enforces at once when that is set, with what was counted and without its old blocks', async () => {
    const { statuses, limiter, events } = await start(adapter, store());
    expect(await statuses('/trial', 2)).toEqual([200, 200]);
    expect(await statuses('/blocking', 2)).toEqual([200, 200]);
    expect(events.at(-1)).toMatchObject({ policy: 'blocking', allowed: false, reason: 'blocked', shadow: true });
    const set = await limiter.limits.set('trial', { mode: 'enforce' });
    expect(set).toMatchObject({ limit: 1, mode: 'enforce', defined: { limit: 1, mode: 'shadow' } });
    expect(await statuses('/trial', 1)).toEqual([429]);
    await limiter.limits.set('blocking', { mode: 'enforce' });
    expect(await limiter.blockedFor('blocking', KEY)).toBe(0);
    await limiter.limits.set('blocking', { limit: 5 });
    expect(await limiter.limits.get('blocking')).toMatchObject({ limit: 5, mode: 'enforce' });
    expect(await statuses('/blocking', 1)).toEqual([200]);
    // A reset ends the blocks of both modes.
    await limiter.limits.set('blocking', { mode: 'shadow' });
    const blockInShadow = async () => (await limiter.peek('blocking', KEY)).shadow!.blockedFor;
    expect(await blockInShadow()).toBeGreaterThan(0);
    await limiter.limits.set('blocking', { mode: 'enforce' });
    await limiter.reset('blocking', KEY);
    await limiter.limits.set('blocking', { mode: 'shadow' });
    expect(await blockInShadow()).toBeUndefined();
    await limiter.limits.clear('trial');
    expect(await statuses('/trial', 1)).toEqual([200]);
    await limiter.limits.override('trial', KEY, { mode: 'enforce' });
    expect(await statuses('/trial', 1)).toEqual([429]);
    // What the override leaves out follows the policy.
    await limiter.limits.set('trial', { limit: 90 });
    expect(await limiter.limits.get('trial', KEY)).toMatchObject({ limit: 90, mode: 'enforce' });
    await limiter.limits.override('trial', 'ip:192.0.2.1', { limit: 5 });
    await limiter.limits.set('trial', { mode: 'enforce' });
    expect(await limiter.limits.get('trial', 'ip:192.0.2.1')).toMatchObject({ limit: 5, mode: 'enforce' });
    await limiter.limits.clear('trial');
    expect(await limiter.limits.get('trial', KEY)).toMatchObject({ limit: 1, mode: 'enforce' });
    expect(await limiter.limits.get('trial', 'ip:192.0.2.1')).toMatchObject({ limit: 5, mode: 'shadow' });
  });

  it('holds nothing where it would deny, and counts outcomes as it would', async () => {
    const { statuses, limiter, events } = await start(adapter, store());
    const taken = await limiter.reserve('slots', KEY);
    events.length = 0;
    expect(await statuses('/slots', 2)).toEqual([200, 200]);
    expect(events).toMatchObject([{ reason: 'concurrency', shadow: true }, { reason: 'concurrency' }]);
    expect(await limiter.holds('slots', KEY)).toHaveLength(1);
    expect(await taken.release()).toBe(true);
    expect(await statuses('/login?right=1', 4)).toEqual([200, 200, 200, 200]);
    expect(await statuses('/login', 4)).toEqual([400, 400, 400, 400]);
    expect(events.filter(({ policy, allowed }) => policy === 'login' && !allowed)).toHaveLength(2);
    const reserved = await limiter.reserve('login', KEY, { cost: 2 });
    expect([reserved.allowed, reserved.decisions[0]!.shadow?.allowed]).toEqual([true, false]);
    expect(await reserved.settle(1)).toBe(true);
  });
});

describe.each(adapters)('the module in shadow, on %s', (adapter) => {
  const open = { limit: 1, window: '1h' } as const;
  const options = { mode: 'shadow', policies: { open, ...policies }, default: ['open'] } as const;

  it('denies nobody, and neither does its deny list, but policies that enforce do', async () => {
    const enforced = { ...policies.enforced, limit: 1, mode: 'enforce' } as const;
    const { statuses, events, limiter } = await start(adapter, {
      ...options,
      policies: { ...policies, enforced },
      default: [],
      deny: ['127.0.0.1'],
    });
    expect(await statuses('/plain', 2)).toEqual([200, 200]);
    const refused = { policy: undefined, key: KEY, allowed: false, shadow: true, by: 'list', reason: 'list' };
    expect(events.splice(0)).toMatchObject([refused, refused]);
    expect(await statuses('/both', 2)).toEqual([200, 429]);
    events.length = 0;
    expect((await limiter.peek('enforced', KEY)).by).toBe('store');
    expect(events).toMatchObject([refused, { policy: 'enforced', by: 'store', shadow: false }]);
  });

  it('also holds for policies that code spells out, but not for those with a mode of their own', async () => {
    const enforced = { ...policies.enforced, limit: 0, mode: 'enforce' } as const;
    const { statuses, limiter } = await start(adapter, {
      ...options,
      policies: { open, ...policies, enforced },
      default: [],
    });
    expect(await statuses('/both', 1)).toEqual([429]);
    expect(await limiter.consume({ name: 'own', limit: 0, window: '1m' }, 'a')).toMatchObject({ allowed: true });
    expect(await limiter.consume('enforced', 'a')).toMatchObject({ allowed: false });
  });

  it('shows fields where the application asks for that', async () => {
    const { answer } = await start(adapter, { ...options, default: ['open'], shadowHeaders: true });
    expect(await answer('/plain')).toEqual([200, '"open";q=1;w=3600', '"open";r=0;t=3600', null]);
    expect(await answer('/plain')).toEqual([200, '"open";q=1;w=3600', '"open";r=0;t=3600', null]);
  });
});

/** A store that never answers, whatever it is asked. */
const away = async () => Promise.reject(new StoreUnavailableError('away'));
const names = ['consume', 'reset', 'settle', 'renew', 'holds', 'block', 'unblock'] as const;
const storeAway = Object.fromEntries(names.map((name) => [name, away]));

it('a store that fails is asked once, also where a policy in shadow stands beside others', async () => {
  let asked = 0;
  const consume = async () => (asked++, away());
  const { statuses, events } = await start('express', { store: { ...storeAway, consume } as never });
  expect(await statuses('/both', 1)).toEqual([200]);
  expect(asked).toBe(1);
  expect(events).toMatchObject([
    { policy: 'enforced', by: 'local' },
    { policy: 'trial', by: 'open', shadow: true },
  ]);
});

it('a closed policy in shadow never answers with 503 while the store fails', async () => {
  const { statuses, events } = await start('express', { store: storeAway as never });
  expect(await statuses('/login?right=1', 1)).toEqual([200]);
  expect(events).toMatchObject([{ policy: 'login', shadow: true, by: 'open', allowed: true }]);
});
