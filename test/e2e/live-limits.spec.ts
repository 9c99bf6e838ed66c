import { randomUUID } from 'node:crypto';
import { Controller, Get } from '@nestjs/common';
import {
  byApiKey,
  byHeader,
  MemoryStore,
  RateLimit,
  RateLimiter,
  RedisStore,
  SkipRateLimit,
  type LiveLimit,
  type LiveLimits,
  type RateLimitModuleOptions,
  type RateLimitStore,
} from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps, type Adapter, type App } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { until } from '../support/redis/until.js';

@Controller()
class LimitedController {
  @Get('one')
  one() {}

  @Get('two')
  @RateLimit({ name: 'hourly', key: byHeader('x-tenant') })
  two() {}

  @Get('dear')
  @SkipRateLimit()
  @RateLimit({ name: 'tokens', cost: 40 })
  dear() {}

  @Get('planned')
  @SkipRateLimit()
  @RateLimit('planned')
  planned() {}

  @Get('late')
  @RateLimit({ name: 'later', limit: 7, window: '1h', phase: 'late' })
  late() {}
}

const options: RateLimitModuleOptions = {
  policies: {
    daily: { limit: 10, window: '1d' },
    hourly: { limit: 5, window: '1h', key: byApiKey },
    tokens: { algorithm: 'token-bucket', limit: 100, window: '1h', burst: 50 },
    planned: { limit: () => 3, window: '1h' },
    lookedUp: { limit: 3, window: '1h', resolve: () => ({ limit: 4 }) },
  },
  default: ['daily'],
};

const limiterOf = ({ nest }: App): RateLimiter => nest.get(RateLimiter);
const limitsOf = (app: App): LiveLimits => limiterOf(app).limits;

const numbers = ({ limit, burst }: LiveLimit) => ({ limit, burst });

describe.each(adapters)('limits that are changed while an application runs, on %s', (adapter) => {
  afterEach(closeApps);

  const start = (more: Partial<RateLimitModuleOptions> = {}, on: Adapter = adapter) =>
    boot(on, { ...options, ...more }, { controllers: [LimitedController] });

  it('hold from the next request on, in what is admitted and in what is told', async () => {
    const app = await start();
    const told = async (path: string, headers = {}) => {
      const { status, headers: fields } = await app.get(path, headers);
      return [status, fields.get('RateLimit-Policy'), fields.get('RateLimit')?.replace(/;t=\d+/g, '')];
    };
    for (let i = 0; i < 4; i++) await app.get('/one');
    expect(await told('/one')).toEqual([200, '"daily";q=10;w=86400', '"daily";r=5']);

    expect(numbers(await limitsOf(app).set('daily', { limit: 7 }))).toEqual({ limit: 7, burst: 7 });
    expect(await told('/one')).toEqual([200, '"daily";q=7;w=86400', '"daily";r=1']);
    await limitsOf(app).set('daily', { limit: 3 });
    expect(await told('/one')).toEqual([429, '"daily";q=3;w=86400', '"daily";r=0']);
    await limitsOf(app).clear('daily');
    expect(await told('/one')).toEqual([200, '"daily";q=10;w=86400', '"daily";r=3']);
  });

  it('names all policies of a route, each with what holds, also of a phase that was not reached', async () => {
    const app = await start();
    await limitsOf(app).set('later', { limit: 8 });
    expect((await app.get('/late')).headers.get('RateLimit-Policy')).toBe('"daily";q=10;w=86400, "later";q=8;w=3600');
    await limitsOf(app).set('daily', { limit: 0 });
    const denied = await app.get('/late');
    expect([denied.status, denied.headers.get('RateLimit-Policy')]).toEqual([
      429,
      '"daily";q=0;w=86400, "later";q=8;w=3600',
    ]);
  });

  it('of a key alone hold for that key, wherever the policy is used, whatever the others get', async () => {
    const app = await start();
    await limitsOf(app).override('hourly', 'header.x-tenant:acme', { limit: 2 });
    await limitsOf(app).set('hourly', { limit: 4 });
    const told = async (tenant: string) => {
      const { status, headers } = await app.get('/two', { 'x-tenant': tenant });
      return [status, /"hourly";q=(\d+)/.exec(headers.get('RateLimit-Policy')!)![1]];
    };
    expect(await told('acme')).toEqual([200, '2']);
    expect(await told('other')).toEqual([200, '4']);
    expect(await told('acme')).toEqual([200, '2']);
    expect(await told('acme')).toEqual([429, '2']);
    await limitsOf(app).clear('hourly', 'header.x-tenant:acme');
    expect(await told('acme')).toEqual([200, '4']);
  });

  it('of an API key are kept by its digest', async () => {
    const app = await start();
    const set = await limitsOf(app).override('hourly', { apiKey: 'sk_live_1' }, { limit: 50 });
    expect(set.key).toMatch(/^key:[\w-]{22}$/);
    const { headers } = await app.get('/two', { 'x-api-key': 'sk_live_1' });
    expect(headers.get('RateLimit-Policy')).toContain('"hourly";q=5');
    const { limit } = await limiterOf(app).peek('hourly', set.key!);
    expect(limit).toBe(50);
  });
});

describe('RateLimiter.limits', () => {
  afterEach(closeApps);
  let app: App;
  let limits: LiveLimits;
  beforeEach(async () => {
    app = await boot('express', options, { controllers: [LimitedController] });
    limits = limitsOf(app);
  });

  it('tells what holds, and which of it was set', async () => {
    const defined = { limit: 10, burst: 10, window: 86_400_000, windowText: '1d', mode: 'enforce' };
    const own = { policy: 'daily', limit: 10, burst: 10, mode: 'enforce', defined, version: 0 };
    expect(await limits.get('daily')).toEqual(own);
    expect(await limits.get('daily', 'ip:203.0.113.7')).toEqual({ ...own, key: 'ip:203.0.113.7' });
    const set = await limits.set('daily', { limit: 20 });
    expect(set).toEqual({ ...own, limit: 20, burst: 20, version: expect.any(Number) });
    expect(await limits.get('daily')).toEqual(set);
    expect(await limits.get('daily', 'ip:203.0.113.7')).toEqual({
      ...own,
      key: 'ip:203.0.113.7',
      limit: 20,
      burst: 20,
    });
    const his = await limits.override('daily', 'ip:203.0.113.7', { limit: 30 });
    expect(his.version).toBeGreaterThan(set.version);
    expect(await limits.get('daily', 'ip:203.0.113.7')).toEqual(his);
    expect(await limits.list('daily')).toEqual([set, his]);
    expect((await limits.list()).map(({ policy, limit }) => [policy, limit])).toEqual([
      ['daily', 20],
      ['daily', 30],
      ['hourly', 5],
      ['tokens', 100],
      ['later', 7],
    ]);
    expect(await limits.clear('daily')).toEqual(own);
    expect(await limits.clear('daily', 'ip:203.0.113.7')).toMatchObject({ limit: 10, version: 0 });
    expect(await limits.list('daily')).toHaveLength(1);
  });

  it('keeps what was used, for code as for requests', async () => {
    const limiter = limiterOf(app);
    await limiter.consume('daily', 'job:nightly', { cost: 8 });
    await limits.set('daily', { limit: 20 });
    expect(await limiter.peek('daily', 'job:nightly')).toMatchObject({ limit: 20, remaining: 12 });
    await limits.override('daily', 'job:nightly', { limit: 5 });
    expect(await limiter.consume('daily', 'job:nightly')).toMatchObject({ allowed: false, limit: 5, remaining: 0 });
    await limits.clear('daily', 'job:nightly');
    expect(await limiter.peek('daily', 'job:nightly')).toMatchObject({ limit: 20, remaining: 12 });
  });

  it('leaves a burst that the definition names, and takes another', async () => {
    expect(numbers(await limits.set('tokens', { limit: 200 }))).toEqual({ limit: 200, burst: 50 });
    expect(numbers(await limits.set('tokens', { limit: 200, burst: 80 }))).toEqual({ limit: 200, burst: 80 });
    expect(await limiterOf(app).peek('tokens', 'job:nightly')).toMatchObject({ limit: 200, remaining: 80 });
  });

  it('changes what it finds, by a function, which may leave it and may take its time', async () => {
    await limits.set('daily', ({ limit }) => ({ limit: limit + 5 }));
    await limits.set('daily', async ({ limit }) => ({ limit: limit + 5 }));
    const { version } = await limits.get('daily');
    expect(await limits.set('daily', () => undefined)).toMatchObject({ limit: 20, version });
    await expect(
      limits.set('daily', () => {
        throw new Error('not today');
      }),
    ).rejects.toThrow('not today');
    expect(await limits.get('daily')).toMatchObject({ limit: 20, version });
    expect(await limits.override('daily', 'job:nightly', ({ limit }) => ({ limit: limit * 2 }))).toMatchObject({
      limit: 40,
    });
  });

  it('loses no update of writers at once, and tells the one who knew too little', async () => {
    await Promise.all(Array.from({ length: 40 }, () => limits.set('daily', ({ limit }) => ({ limit: limit + 1 }))));
    const { limit, version } = await limits.get('daily');
    expect(limit).toBe(50);
    await limits.set('daily', { limit: 60 }, { version });
    await expect(limits.set('daily', { limit: 70 }, { version })).rejects.toMatchObject({
      code: 'RL_LIMIT_CHANGED',
      message: expect.stringMatching(
        /^RL_LIMIT_CHANGED: daily: .*has version \d+, not \d+, because another writer changed it; read it again$/,
      ),
    });
    await expect(limits.set('daily', () => ({ limit: 1 }), { version })).rejects.toMatchObject({
      code: 'RL_LIMIT_CHANGED',
    });
    await expect(limits.clear('daily', undefined, { version })).rejects.toMatchObject({ code: 'RL_LIMIT_CHANGED' });
    await expect(limits.override('daily', 'job:nightly', { limit: 1 }, { version })).rejects.toMatchObject({
      code: 'RL_LIMIT_CHANGED',
    });
    expect(await limits.list('daily')).toMatchObject([{ limit: 60 }]);
  });

  const refusals: [string, (limits: LiveLimits) => Promise<unknown>, RegExp][] = [
    ['RL_LIMIT_INVALID', (all) => all.set('daily', { limit: 1.5 }), /whole number from 0 .* got 1.5/],
    ['RL_LIMIT_INVALID', (all) => all.set('daily', { limit: '5' as never }), /got "5"/],
    ['RL_LIMIT_INVALID', (all) => all.override('daily', 'job:nightly', () => ({ limit: -1 })), /got -1/],
    ['RL_BURST_INVALID', (all) => all.set('daily', { limit: 5, burst: 5 }), /fixed-window takes no burst/],
    ['RL_BURST_INVALID', (all) => all.set('tokens', { limit: 5, burst: 0 }), /at least 1, got 0/],
    ['RL_PRECISION', (all) => all.set('tokens', { limit: 5, burst: 1e14 }), /stays below 2\^53/],
    ['RL_OPTION_UNKNOWN', (all) => all.set('daily', { limt: 5 } as never), /a limit change has no option "limt"/],
    ['RL_OPTION_UNKNOWN', (all) => all.set('daily', 5 as never), /must be an object, got 5/],
    [
      'RL_OPTION_UNKNOWN',
      (all) => all.set('daily', { limit: 5 }, { versoin: 1 } as never),
      /the condition of a limit change has no option "versoin"/,
    ],
    ['RL_OPTION_INVALID', (all) => all.set('daily', { limit: 5 }, { version: '1' as never }), /version .* got "1"/],
    [
      'RL_COST_NEVER_PASSES',
      (all) => all.set('tokens', { limit: 10, burst: 39 }),
      /requests cost 40, more than the 39 that/,
    ],
    [
      'RL_UNKNOWN_POLICY',
      (all) => all.set('dialy', { limit: 5 }),
      /"dialy" is not defined; the catalogue has daily, hourly/,
    ],
    ['RL_UNKNOWN_POLICY', (all) => all.get(undefined as never), /the policy undefined is not defined/],
    [
      'RL_POLICY_DYNAMIC',
      (all) => all.set('planned', { limit: 5 }),
      /a function of the request; change it where your function reads it/,
    ],
    ['RL_POLICY_DYNAMIC', (all) => all.set('lookedUp', { limit: 5 }), /looks up its numbers for each request/],
    ['RL_KEY_INVALID', (all) => all.override('daily', 42 as never, { limit: 5 }), /got 42/],
    ['RL_KEY_INVALID', (all) => all.override('daily', undefined as never, { limit: 5 }), /got undefined/],
    ['RL_KEY_INVALID', (all) => all.override('daily', { apiKey: '' }, { limit: 5 }), /got an object/],
    ['RL_KEY_INVALID', (all) => all.override('daily', 'x'.repeat(1_025), { limit: 5 }), /at most 1024 characters/],
    ['RL_KEY_INVALID', (all) => all.get('daily', '\ud800'), /at most 1024/],
  ];
  it.each(refusals)('refuses with %s what cannot be (%#)', async (code, attempt, says) => {
    await expect(attempt(limits)).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
    expect(await limits.list()).toEqual((await limits.list()).filter(({ version }) => version === 0));
  });

  it.each(['5', [5], 5n, { toString: () => '5' }])(
    'takes no number from a look-alike, known or not (%#)',
    async (five) => {
      await limits.set('daily', { limit: 5 });
      await expect(limits.set('daily', { limit: five as never })).rejects.toMatchObject({ code: 'RL_LIMIT_INVALID' });
    },
  );

  it('takes 0, which denies everything, also where requests cost more than one unit', async () => {
    await limits.set('tokens', { limit: 0 });
    const { status, headers } = await app.get('/dear');
    expect([status, headers.get('Retry-After')]).toEqual([429, null]);
    await limits.clear('tokens');
    expect((await app.get('/dear')).status).toBe(200);
  });

  it('of a policy spelled out says nothing: it holds as it is spelled', async () => {
    await limits.set('daily', { limit: 20 });
    const spelled = { name: 'daily', limit: 10, window: '1d' } as const;
    expect(await limiterOf(app).peek(spelled, 'job:nightly')).toMatchObject({ limit: 10 });
  });
});

describe('liveLimits: false', () => {
  afterEach(closeApps);

  it('refuses all of it, and says how to have it', async () => {
    const app = await boot('express', { ...options, liveLimits: false }, { controllers: [LimitedController] });
    const limits = limitsOf(app);
    for (const attempt of [
      () => limits.get('daily'),
      () => limits.set('daily', { limit: 1 }),
      () => limits.override('daily', 'job:nightly', { limit: 1 }),
      () => limits.clear('daily'),
      () => limits.list(),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'RL_LIVE_LIMITS_OFF' });
    }
  });
});

describe('several instances', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(closeApps);
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  const start = (prefix: string, more: Partial<RateLimitModuleOptions> = {}) =>
    boot(
      'express',
      { ...options, redis: server.url, prefix, liveLimits: '100ms', timeout: 10_000, ...more },
      { controllers: [LimitedController] },
    );
  const quotaAt = async (app: App, path = '/one') =>
    /"daily";q=(\d+)/.exec((await app.get(path)).headers.get('RateLimit-Policy')!)?.[1];

  it('see what one of them sets, and a new one starts with it', async () => {
    const prefix = randomUUID();
    const [one, two] = [await start(prefix), await start(prefix)];
    await limitsOf(one).set('daily', { limit: 42 });
    await limitsOf(one).override('hourly', 'job:nightly', { limit: 43 });
    expect(await quotaAt(one)).toBe('42');
    const limitOf = async (app: App) => (await limiterOf(app).peek('hourly', 'job:nightly')).limit;
    // The override was set last.
    await until('the other instance did not see it', async () => (await limitOf(two)) === 43);
    expect(await quotaAt(two)).toBe('42');
    const three = await start(prefix);
    expect(await quotaAt(three)).toBe('42');
    expect(await limitsOf(three).list('hourly')).toMatchObject([{ limit: 5 }, { key: 'job:nightly', limit: 43 }]);

    await limitsOf(three).clear('daily');
    await limitsOf(three).clear('hourly', 'job:nightly');
    await until('what was set was not gone', async () => (await limitOf(one)) === 5);
    expect(await quotaAt(one)).toBe('10');
  });

  it('lose no update when they change a limit at once', async () => {
    const prefix = randomUUID();
    const apps = await Promise.all([start(prefix), start(prefix), start(prefix)]);
    const raise = (app: App) => limitsOf(app).set('daily', ({ limit }) => ({ limit: limit + 1 }));
    await Promise.all(apps.flatMap((app) => Array.from({ length: 10 }, () => raise(app))));
    for (const app of apps) expect(await limitsOf(app).get('daily')).toMatchObject({ limit: 40 });
  });

  it('do not hear of limits of another prefix, nor of a policy that another deployment defines otherwise', async () => {
    const prefix = randomUUID();
    const [one, other] = [await start(prefix), await start(randomUUID())];
    await limitsOf(one).set('daily', { limit: 42 });
    expect(await limitsOf(other).get('daily')).toMatchObject({ limit: 10, version: 0 });
    const policies = { ...options.policies, daily: { limit: 10, window: '2h' as const } };
    const next = await start(prefix, { policies });
    expect(await limitsOf(next).get('daily')).toMatchObject({ limit: 10, version: 0 });
    await limitsOf(next).set('daily', { limit: 7 });
    expect(await limitsOf(one).get('daily')).toMatchObject({ limit: 42 });
  });

  it('change a limit that another deployment set and they cannot use, by its version as any other', async () => {
    const prefix = randomUUID();
    const one = await start(prefix);
    await limitsOf(one).set('tokens', { limit: 9e14 });
    // Without a burst of its own, which is its limit then: too many units to be counted exactly.
    const tokens = { algorithm: 'token-bucket', limit: 100, window: '1h' } as const;
    const next = await start(prefix, { policies: { ...options.policies, tokens } });
    const shown = await limitsOf(next).get('tokens');
    expect(shown).toMatchObject({ limit: 100, burst: 100, version: (await limitsOf(one).get('tokens')).version });
    await limitsOf(next).set('tokens', ({ limit }) => ({ limit: limit + 1 }));
    expect(await limitsOf(one).get('tokens')).toMatchObject({ limit: 101 });
  });

  it('go by the limits of a store of their own on Redis too', async () => {
    const prefix = randomUUID();
    const store = () => new RedisStore(connectTo(server.url), { prefix, timeout: 10_000 });
    const apart = { redis: undefined, prefix: undefined, timeout: undefined };
    const [one, two] = [
      await start(prefix, { ...apart, store: store() }),
      await start(prefix, { ...apart, store: store() }),
    ];
    await limitsOf(one).set('daily', { limit: 42 });
    await until('the other instance did not see it', async () => (await quotaAt(two)) === '42');
  });

  it('with a store that has no limits change those of their own process', async () => {
    const inner = new MemoryStore();
    const store: RateLimitStore = {
      consume: (hits) => inner.consume(hits),
      reset: (policy, key) => inner.reset(policy, key),
    };
    const app = await start(randomUUID(), { redis: undefined, store });
    await limitsOf(app).set('daily', { limit: 42 });
    expect(await quotaAt(app)).toBe('42');
  });
});

describe('while Redis is away', () => {
  let server: Server;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    await closeApps();
    closeClients();
    await server?.stop();
  });

  const start = () =>
    boot(
      'express',
      { ...options, redis: server.url, liveLimits: '100ms', timeout: 500 },
      { controllers: [LimitedController] },
    );

  it.each(['frozen', 'killed'])('the limits that are known hold, and none can be set (%s)', async (how) => {
    const app = await start();
    await limitsOf(app).set('daily', { limit: 3 });
    await limitsOf(app).override('daily', 'job:vip', { limit: 50 });
    if (how === 'frozen') await server.freeze();
    else await server.stop();
    const statuses = [];
    for (let i = 0; i < 5; i++) {
      const { status, headers } = await app.get('/one');
      statuses.push(status);
      expect(headers.get('RateLimit-Policy')).toBe('"daily";q=3;w=86400');
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect(await limiterOf(app).peek('daily', 'job:vip')).toMatchObject({ limit: 50, by: 'local' });
    const limits = limitsOf(app);
    const attempts = [
      () => limits.set('daily', { limit: 9 }),
      () => limits.get('daily'),
      () => limits.clear('daily'),
      () => limits.set('daily', ({ limit }) => ({ limit: limit + 1 })),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'RL_STORE_UNAVAILABLE' });
  });

  it('the definitions hold for an instance that starts then, and it learns when Redis is there', async () => {
    const one = await start();
    await limitsOf(one).set('daily', { limit: 3 });
    await server.freeze();
    const two = await start();
    const quota = async () => /q=(\d+)/.exec((await two.get('/one')).headers.get('RateLimit-Policy')!)![1];
    expect(await quota()).toBe('10');
    await server.thaw();
    await until('the limit was not known', async () => (await quota()) === '3');
  });
});
