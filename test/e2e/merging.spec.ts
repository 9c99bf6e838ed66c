import { Controller, Get, UseGuards } from '@nestjs/common';
import { byApiKey, RateLimit, RateLimitGuard, SkipRateLimit } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { soonAfter } from '../support/soon-after.js';

const policies = {
  burst: { limit: 3, window: '1h' },
  daily: { limit: 10, window: '1d' },
  extra: { limit: 2, window: '1h' },
} as const;

@Controller('plain')
class PlainController {
  @Get()
  plain() {}

  @Get('more')
  @RateLimit('extra')
  more() {}

  @Get('stacked')
  @RateLimit('extra')
  @RateLimit({ limit: 4, window: '1m' })
  stacked() {}

  @Get('no-burst')
  @SkipRateLimit('burst')
  noBurst() {}

  @Get('only-extra')
  @SkipRateLimit()
  @RateLimit('extra')
  onlyExtra() {}

  @Get('free')
  @SkipRateLimit()
  free() {}

  @Get('by-key')
  @RateLimit({ name: 'burst', key: byApiKey, cost: 2 })
  byKey() {}
}

@Controller('limited')
@RateLimit('daily')
class LimitedController {
  @Get()
  both() {}

  @Get('skipped')
  @SkipRateLimit('daily')
  skipped() {}
}

@Controller('child')
@RateLimit('extra')
class ChildController extends LimitedController {}

@Controller('twice')
@UseGuards(RateLimitGuard, RateLimitGuard)
class TwiceController {
  @Get()
  @UseGuards(RateLimitGuard)
  twice() {}
}

const controllers = [PlainController, LimitedController, ChildController, TwiceController];

afterEach(closeApps);

describe.each(adapters)('policies add up on %s', (adapter) => {
  const app = () => boot(adapter, { policies, default: ['burst'] }, { controllers });
  const policyField = async (path: string) => (await (await app()).get(path)).headers.get('ratelimit-policy');

  it.each([
    ['/plain', '"burst";q=3;w=3600'],
    ['/plain/more', '"burst";q=3;w=3600, "extra";q=2;w=3600'],
    ['/plain/stacked', '"burst";q=3;w=3600, "extra";q=2;w=3600, "4-per-1m";q=4;w=60'],
    ['/plain/no-burst', null],
    ['/plain/only-extra', '"extra";q=2;w=3600'],
    ['/plain/free', null],
    ['/plain/by-key', '"burst";q=3;w=3600'],
    ['/limited', '"burst";q=3;w=3600, "daily";q=10;w=86400'],
    ['/limited/skipped', '"burst";q=3;w=3600'],
    ['/child', '"burst";q=3;w=3600, "extra";q=2;w=3600, "daily";q=10;w=86400'],
    ['/child/skipped', '"burst";q=3;w=3600, "extra";q=2;w=3600'],
  ])('%s is governed by %s', async (path, field) => {
    expect(await policyField(path)).toBe(field);
  });

  it('a policy put to another use on a route keeps its quota and changes its key and cost', async () => {
    const { get } = await app();
    expect((await get('/plain/by-key', { 'x-api-key': 'k' })).headers.get('ratelimit')).toEqual(
      soonAfter('"burst";r=1;t=3600'),
    );
    expect((await get('/plain')).headers.get('ratelimit')).toEqual(soonAfter('"burst";r=2;t=3600'));
  });

  it('a denial by one policy spends none of the others', async () => {
    const { get } = await app();
    for (let i = 0; i < 2; i++) expect((await get('/plain/more')).status).toBe(200);
    for (let i = 0; i < 5; i++) {
      const denied = await get('/plain/more');
      expect(denied.status).toBe(429);
      expect(denied.headers.get('ratelimit')).toMatch(/^"burst";r=1;t=\d+, "extra";r=0;t=\d+$/);
      expect(await denied.json()).toMatchObject({ 'violated-policies': ['extra'] });
    }
    expect((await get('/plain')).status).toBe(200);
  });

  it('a guard bound twice charges once', async () => {
    const { get } = await app();
    expect((await get('/twice')).headers.get('ratelimit')).toEqual(soonAfter('"burst";r=2;t=3600'));
    expect((await get('/twice')).headers.get('ratelimit')).toEqual(soonAfter('"burst";r=1;t=3600'));
  });
});

describe.each(adapters)('whose quota it is on %s', (adapter) => {
  it('a policy without a name is its route’s own; two controllers of one name do not share it', async () => {
    const twins = ['a', 'b'].map((path) => {
      @Controller(path)
      class TwinController {
        @Get()
        @RateLimit({ limit: 1, window: '1h' })
        one() {}

        @Get('other')
        @RateLimit({ limit: 1, window: '1h' })
        other() {}
      }
      return TwinController;
    });
    const { get } = await boot(adapter, {}, { controllers: twins });
    for (const path of ['/a', '/a/other', '/b', '/b/other']) expect((await get(path)).status).toBe(200);
    for (const path of ['/a', '/a/other', '/b', '/b/other']) expect((await get(path)).status).toBe(429);
  });

  it('on a controller, every handler has its own; inherited handlers are their class’s', async () => {
    @RateLimit({ limit: 1, window: '1h' })
    class Base {
      @Get()
      one() {}
    }
    @Controller('x')
    class First extends Base {
      @Get('two')
      two() {}
    }
    @Controller('y')
    class Second extends Base {}
    const { get } = await boot(adapter, {}, { controllers: [First, Second] });
    for (const path of ['/x', '/x/two', '/y']) expect((await get(path)).status).toBe(200);
    for (const path of ['/x', '/x/two', '/y']) expect((await get(path)).status).toBe(429);
  });

  it('two unnamed policies alike but for their keys do not share a quota', async () => {
    @Controller()
    class KeyedController {
      @Get()
      @RateLimit({ limit: 3, window: '1h' }, { limit: 3, window: '1h', key: byApiKey })
      one() {}
    }
    const { get } = await boot(adapter, {}, { controllers: [KeyedController] });
    // Without a key both fall back on the address; each still counts for itself.
    expect((await get('/')).headers.get('ratelimit')).toEqual(
      soonAfter('"3-per-1h";r=2;t=3600, "3-per-1h";r=2;t=3600'),
    );
  });

  it('an unnamed policy and a named one that is called as it is shown are two quotas', async () => {
    @Controller()
    @RateLimit({ limit: 3, window: '1h' })
    class BothController {
      @Get('named-last')
      @RateLimit('3-per-1h')
      namedLast() {}

      @Get('together')
      @SkipRateLimit()
      @RateLimit({ limit: 3, window: '1h' }, '3-per-1h')
      together() {}

      @Get('named-first')
      @SkipRateLimit()
      @RateLimit('3-per-1h', { limit: 3, window: '1h' })
      namedFirst() {}

      @Get('skipped')
      @SkipRateLimit('3-per-1h')
      skipped() {}
    }
    const options = { policies: { '3-per-1h': { limit: 3, window: '1h' } } } as const;
    const { get } = await boot(adapter, options, { controllers: [BothController] });
    const limits = async (path: string) => (await get(path)).headers.get('ratelimit');
    // The named one is spent by all three.
    expect(await limits('/named-last')).toBe('"3-per-1h";r=2;t=3600, "3-per-1h";r=2;t=3600');
    expect(await limits('/together')).toBe('"3-per-1h";r=2;t=3600, "3-per-1h";r=1;t=3600');
    expect(await limits('/named-first')).toBe('"3-per-1h";r=0;t=3600, "3-per-1h";r=2;t=3600');
    expect(await limits('/skipped')).toBe('"3-per-1h";r=2;t=3600');
  });

  it('a named policy is shared by the routes that name it whatever the query', async () => {
    @Controller('shared')
    class SharedController {
      @Get('one')
      @RateLimit({ name: 'shared', limit: 3, window: '1m' })
      one() {}

      @Get('two')
      @RateLimit('shared')
      two() {}
    }
    const { get } = await boot(adapter, {}, { controllers: [SharedController] });
    expect((await get('/shared/one')).headers.get('ratelimit')).toEqual(soonAfter('"shared";r=2;t=60'));
    expect((await get('/shared/two?x=1')).headers.get('ratelimit')).toEqual(soonAfter('"shared";r=1;t=60'));
    expect((await get('/shared/one?x=%2F')).headers.get('ratelimit')).toEqual(soonAfter('"shared";r=0;t=60'));
  });
});
