import { Controller, Get } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { RateLimit, RateLimiter, SkipRateLimit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { documentRateLimits } from 'nestjs-redis-rate-limit/openapi';
import { LivePolicy } from '../../libs/rate-limit/src/engine/limits/live-policy.js';
import { PolicyVariants } from '../../libs/rate-limit/src/engine/policy-variants.js';
import { boot, closeApps, type App } from '../support/app.js';

const options: RateLimitModuleOptions = {
  policies: {
    burst: { limit: 3, window: '1h' },
    each: { limit: 2, window: '1h', per: 'handler' },
    planned: { limit: () => 7, window: '1h', per: 'handler' },
  },
  default: ['burst'],
};

@Controller()
class RoutesController {
  @Get('shared')
  shared() {}

  @Get('five')
  @RateLimit({ name: 'burst', limit: 5 })
  five() {}

  @Get('five-too')
  @RateLimit({ name: 'burst', limit: 5 })
  fiveToo() {}

  @Get('whole')
  @RateLimit({ name: 'burst', limit: 9, window: '1m', per: 'handler' })
  whole() {}

  @Get('bare')
  @RateLimit({ name: 'burst', per: 'handler', cost: 2 })
  bare() {}

  @Get('each')
  @SkipRateLimit('burst')
  @RateLimit('each')
  each() {}

  @Get('each-too')
  @SkipRateLimit('burst')
  @RateLimit({ name: 'each', cost: 2 })
  eachToo() {}

  @Get('planned')
  @SkipRateLimit('burst')
  @RateLimit('planned')
  planned() {}
}

@Controller('class')
@RateLimit({ name: 'burst', limit: 4 })
class ClassController {
  @Get('one')
  one() {}

  @Get('two')
  two() {}

  @Get('again')
  @RateLimit('burst')
  again() {}

  @Get('skipped')
  @SkipRateLimit('burst')
  skipped() {}
}

@Controller()
class OwnNumbersController {
  @Get('log-in')
  @RateLimit({ name: 'login', limit: 5 })
  logIn() {}
}

const address = 'ip:127.0.0.1';
const start = () => boot('express', options, { controllers: [RoutesController, ClassController] });
const limiterOf = ({ nest }: App): RateLimiter => nest.get(RateLimiter);

/** What the fields say of a request: the policy, and what is left of it. */
async function ask({ get }: App, path: string): Promise<string> {
  const { headers } = await get(path);
  return `${headers.get('ratelimit-policy')} ${headers.get('ratelimit')?.replace(/.*;(r=\d+);.*/, '$1')}`;
}

afterEach(closeApps);

describe('a policy with a name and a quota for each handler', () => {
  it('has the numbers of the route, and what is left out is the catalogue’s', async () => {
    const app = await start();
    const all = ['/five', '/five-too', '/whole', '/bare', '/each', '/each-too', '/planned', '/class/one', '/class/two'];
    const quotas: string[] = [];
    for (const path of all) quotas.push(`${path} ${await ask(app, path)}`);
    expect(quotas).toEqual([
      '/five "burst";q=5;w=3600 r=4',
      '/five-too "burst";q=5;w=3600 r=4',
      '/whole "burst";q=9;w=60 r=8',
      '/bare "burst";q=3;w=3600 r=1',
      '/each "each";q=2;w=3600 r=1',
      '/each-too "each";q=2;w=3600 r=0',
      '/planned "planned";q=7;w=3600 r=6',
      '/class/one "burst";q=4;w=3600 r=3',
      '/class/two "burst";q=4;w=3600 r=3',
    ]);
    // None of them spent of the shared quota, which a method may go back to.
    expect(await ask(app, '/shared')).toBe('"burst";q=3;w=3600 r=2');
    expect(await ask(app, '/class/again')).toBe('"burst";q=3;w=3600 r=1');
    expect(await ask(app, '/class/skipped')).toBe('null undefined');
  });

  it('follows changes of the limit everywhere; the numbers of a route stay', async () => {
    const app = await start();
    const { limits } = limiterOf(app);
    await limits.set('each', { limit: 6 });
    await limits.set('burst', { limit: 8 });
    for (const path of ['/each', '/shared', '/bare', '/five']) await ask(app, path);
    expect(await ask(app, '/each')).toBe('"each";q=6;w=3600 r=4');
    expect(await ask(app, '/each-too')).toBe('"each";q=6;w=3600 r=4');
    expect(await ask(app, '/shared')).toBe('"burst";q=8;w=3600 r=6');
    expect(await ask(app, '/bare')).toBe('"burst";q=8;w=3600 r=4');
    expect(await ask(app, '/five')).toBe('"burst";q=5;w=3600 r=3');

    await limits.override('each', address, { limit: 9 });
    expect(await ask(app, '/each')).toBe('"each";q=9;w=3600 r=6');
    await limits.clear('each', address);
    await limits.clear('each');
    expect(await ask(app, '/each')).toBe('"each";q=2;w=3600 r=0');
    // A request of one handler costs 2.
    await expect(limits.set('each', { limit: 1 })).rejects.toThrow(
      "RL_COST_NEVER_PASSES: each: a route's requests cost 2",
    );
    await expect(limits.set('burst', { limit: 1 })).rejects.toThrow(
      "RL_COST_NEVER_PASSES: burst: a route's requests cost 2",
    );
    expect((await limits.list()).map(({ policy }) => policy)).toEqual(['burst', 'each']);
  });

  it('forgets what was set together with the policy', () => {
    const variants = (owner?: string) => new PolicyVariants({ name: 'each', limit: 2, window: '1h' }, owner);
    const leader = new LivePolicy(variants());
    const follower = new LivePolicy(variants('@route'), leader);
    leader.put(undefined, leader.with({ limit: 6 }));
    leader.put('key', leader.with({ limit: 7 }));
    expect([follower.current.limit, follower.for(undefined, 'key').limit]).toEqual([6, 7]);
    leader.restore();
    expect([follower.isOwn, follower.for(undefined, 'key')]).toEqual([true, follower.own]);
  });

  it('is not named by its name alone in code', async () => {
    const app = await start();
    const limiter = limiterOf(app);
    await ask(app, '/shared');
    await limiter.reset('burst', address);
    expect(await ask(app, '/shared')).toBe('"burst";q=3;w=3600 r=2');
    await expect(limiter.reset('each', address)).rejects.toThrow(
      `RL_POLICY_PER_HANDLER: each handler has its own quota of the policy "each" (per: 'handler'), so its name does not say which quota is meant; ` +
        'give the handler whose quota you need a policy with another name, and use that name here',
    );
    await expect(limiter.consume([{ policy: 'each', key: address }])).rejects.toThrow('RL_POLICY_PER_HANDLER');
  });

  it('is not reached by the name of a policy that handlers use only with their own numbers', async () => {
    const app = await boot(
      'express',
      { policies: { login: { limit: 2, window: '15m', blockFor: '15m' } } },
      { controllers: [OwnNumbersController] },
    );
    const limiter = limiterOf(app);
    const refused =
      'RL_POLICY_PER_HANDLER: each handler that uses "login" has numbers and a quota of its own, so the name alone names a ' +
      'quota that no handler uses; give the handler whose quota code needs a policy with another name, and use that name here';
    const tries = [
      () => limiter.reset('login', address),
      () => limiter.block('login', address, '1m'),
      () => limiter.unblock('login', address),
      () => limiter.limits.set('login', { limit: 1 }),
      () => limiter.limits.override('login', address, { limit: 1 }),
    ];
    await limiter.peek('login', address);
    for (const attempt of tries) await expect(attempt()).rejects.toThrow(refused);
    // Where code spends of the shared quota, the name names that.
    await limiter.consume('login', address);
    for (const attempt of tries) await attempt();
  });

  it('is in the document of the API with the numbers that hold on the route', async () => {
    const app = await start();
    documentRateLimits(app.nest);
    const { paths } = SwaggerModule.createDocument(app.nest, new DocumentBuilder().build());
    const denied = (path: string) => (paths[path]!.get!.responses['429'] as { description: string }).description;
    expect([denied('/five'), denied('/each'), denied('/shared')]).toEqual([
      'Over the quota of "burst" (5 per 1h).',
      'Over the quota of "each" (2 per 1h).',
      'Over the quota of "burst" (3 per 1h).',
    ]);
  });
});
