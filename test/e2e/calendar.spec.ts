import { jest } from '@jest/globals';
import { Controller, Get, Logger, type ExecutionContext } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import {
  byHeader,
  definePolicy,
  RateLimit,
  RateLimiter,
  RateLimitError,
  rateLimitHeaders,
  RedisStore,
  type PolicyOptions,
  type RateLimitModuleOptions,
  type ResolvedPolicy,
} from 'nestjs-redis-rate-limit';
import { documentRateLimits } from 'nestjs-redis-rate-limit/openapi';
import { randomUUID } from 'node:crypto';
import { boot, closeApps, type Adapter, type App } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { sharedRedis } from '../support/redis/servers.js';

/** What the clocks of the process and of the store show. */
let time = 0;
const setClocks = (instant: string) => (time = Date.parse(instant));

const caller = byHeader('x-caller');
const callerOf = (context: ExecutionContext) =>
  context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-caller']!;

/** What the application knows of its customers. */
const customers = new Map<string, ResolvedPolicy>();
let lookups = 0;
const resolve = (context: ExecutionContext) => (lookups++, customers.get(callerOf(context)));

const policies = {
  daily: { limit: 3, window: 'day Europe/Berlin', key: caller },
  monthly: { limit: 100, window: { calendar: 'month', timeZone: 'Europe/Berlin' }, key: caller },
  plan: { limit: 2, window: 'month', key: caller, resolve },
  kept: { limit: 9, window: 'day', key: caller, resolve, resolveCache: { by: caller, for: '1h' } },
  blocking: { limit: 1, window: 'day Europe/Berlin', key: caller, blockFor: '1d' },
} as const satisfies RateLimitModuleOptions['policies'];

@Controller()
class ReportsController {
  @Get('daily')
  @RateLimit('daily')
  daily() {}

  @Get('both')
  @RateLimit('daily', 'monthly')
  both() {}

  @Get('own')
  @RateLimit({ name: 'daily', limit: 2 })
  own() {}

  @Get('unnamed')
  @RateLimit({ limit: 3, window: { calendar: 'week', timeZone: 'Asia/Kolkata', weekStart: 'sunday' }, key: caller })
  unnamed() {}

  @Get('plan')
  @RateLimit('plan')
  plan() {}

  @Get('kept')
  @RateLimit('kept')
  kept() {}

  @Get('blocking')
  @RateLimit('blocking')
  blocking() {}
}
const controllers = [ReportsController];

beforeAll(() => void jest.spyOn(Date, 'now').mockImplementation(() => time));
afterAll(() => jest.restoreAllMocks());

const stores: Record<string, { adapter: Adapter; options: () => RateLimitModuleOptions }> = {
  'in memory, on Express': { adapter: 'express', options: () => ({}) },
  'on Redis, on Fastify': {
    adapter: 'fastify',
    options: () => {
      const prefix = `test-${randomUUID()}`;
      const store = new RedisStore(connectTo(sharedRedis().url), { now: () => time, timeout: 10_000, prefix });
      return { store };
    },
  },
};

describe.each(Object.keys(stores))('calendar windows %s', (name) => {
  let app: App;
  let limiter: RateLimiter;
  let warnings: string[];
  let summary: string;
  beforeAll(async () => {
    setClocks('2026-03-28T12:00:00Z');
    const { adapter, options } = stores[name]!;
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => {});
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => void warnings.push(String(line)));
    app = await boot(adapter, { policies, ...options() }, { controllers });
    limiter = app.nest.get(RateLimiter);
    summary = log.mock.calls.map(([line]) => String(line)).find((line) => line.includes('limited'))!;
    log.mockRestore();
  });
  afterAll(async () => {
    await closeApps();
    closeClients();
  });

  let who: string;
  beforeEach(() => {
    who = randomUUID();
    warnings = [];
    lookups = 0;
  });

  const ask = (path: string) => app.get(path, { 'x-caller': who });
  const fields = async (path: string) => {
    const { status, headers } = await ask(path);
    return [status, headers.get('ratelimit-policy'), headers.get('ratelimit'), headers.get('retry-after')];
  };

  it('admit the quota until midnight and say to the second how long that is', async () => {
    setClocks('2026-03-28T22:59:57.999Z');
    expect(await fields('/daily')).toEqual([200, '"daily";q=3;w=86400', '"daily";r=2;t=3', null]);
    setClocks('2026-03-28T22:59:58Z');
    expect(await fields('/daily')).toEqual([200, '"daily";q=3;w=86400', '"daily";r=1;t=2', null]);
    setClocks('2026-03-28T22:59:59.999Z');
    expect(await fields('/daily')).toEqual([200, '"daily";q=3;w=86400', '"daily";r=0;t=1', null]);
    const denied = await ask('/daily');
    expect([denied.status, denied.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await denied.json()).toMatchObject({
      detail: 'Not enough is left of the quota of "daily"; try again in 1 s.',
    });
    setClocks('2026-03-28T23:00:00Z');
    // The day on which clocks are set forward.
    expect(await fields('/daily')).toEqual([200, '"daily";q=3;w=82800', '"daily";r=2;t=82800', null]);
  });

  it.each([
    ['2026-03-28T12:00:00Z', 86_400, 2_674_800],
    ['2026-03-29T12:00:00Z', 82_800, 2_674_800],
    ['2026-10-25T12:00:00Z', 90_000, 2_682_000],
    ['2026-02-28T22:59:59Z', 86_400, 28 * 86_400],
    ['2028-02-29T12:00:00Z', 86_400, 29 * 86_400],
    ['2026-04-30T12:00:00Z', 86_400, 30 * 86_400],
  ])('say how long the present one is: at %s a day has %d seconds and a month %d', async (instant, day, month) => {
    setClocks(instant);
    expect((await fields('/both'))[1]).toBe(`"daily";q=3;w=${day}, "monthly";q=100;w=${month}`);
    expect((await fields('/daily'))[1]).toBe(`"daily";q=3;w=${day}`);
  });

  it('say that after a limit was changed too, today and tomorrow', async () => {
    setClocks('2026-03-28T12:00:00Z');
    await ask('/daily');
    const set = await limiter.limits.set('daily', { limit: 4 });
    expect(set.defined).toMatchObject({ limit: 3, burst: 3, window: 86_400_000, windowText: 'day Europe/Berlin' });
    try {
      expect(await fields('/daily')).toEqual([200, '"daily";q=4;w=86400', '"daily";r=2;t=39600', null]);
      setClocks('2026-03-29T12:00:00Z');
      expect(await fields('/daily')).toEqual([200, '"daily";q=4;w=82800', '"daily";r=3;t=36000', null]);
    } finally {
      await limiter.limits.clear('daily');
    }
    setClocks('2026-10-25T12:00:00Z');
    expect((await fields('/daily'))[1]).toBe('"daily";q=3;w=90000');
  });

  it('are named by their unit where a policy has no name', async () => {
    setClocks('2026-03-28T18:29:59Z'); // a Saturday, and in India one second before Sunday
    expect(await fields('/unnamed')).toEqual([200, '"3-per-week";q=3;w=604800', '"3-per-week";r=2;t=1', null]);
  });

  it('may have another limit and a quota of its own on a handler', async () => {
    setClocks('2026-03-28T12:00:00Z');
    await ask('/daily');
    expect(await fields('/own')).toEqual([200, '"daily";q=2;w=86400', '"daily";r=1;t=39600', null]);
  });

  it('are the customer’s own: a month from the day of the subscription, in the customer’s zone', async () => {
    const subscribed = { auckland: new Date('2026-01-30T11:00:00Z'), berlin: '2025-12-15T08:30:00.123Z' };
    const month = { calendar: 'month' } as const;
    const others = randomUUID();
    customers.set(who, {
      limit: 1_000,
      window: { ...month, timeZone: 'Pacific/Auckland', anchor: subscribed.auckland },
      key: `c${who}`,
    });
    customers.set(others, { limit: 1_000, window: { ...month, timeZone: 'Europe/Berlin', anchor: subscribed.berlin } });
    // In Auckland a minute before the 28th, which February has in place of the 31st.
    setClocks('2026-02-27T10:59:00Z');
    expect(await fields('/plan')).toEqual([200, '"plan";q=1000;w=2419200', '"plan";r=999;t=60', null]);
    who = others;
    const fifteenDays = 15 * 86_400 + 21.5 * 3_600 + 60; // to half past nine in Berlin
    expect(await fields('/plan')).toEqual([200, '"plan";q=1000;w=2419200', `"plan";r=999;t=${fifteenDays}`, null]);
    expect(warnings).toEqual([]);
  });

  it('give no second quota for another zone or another anchor, but one when the window is over', async () => {
    setClocks('2026-02-28T12:00:00Z');
    const statuses = [];
    for (const timeZone of ['UTC', null, 'Asia/Tokyo', 'Pacific/Kiritimati', 'America/Los_Angeles']) {
      customers.set(who, { window: { calendar: 'month', timeZone, anchor: statuses.length + 1 } });
      statuses.push((await ask('/plan')).status);
    }
    expect(statuses).toEqual([200, 200, 429, 429, 429]);
    setClocks('2026-03-01T00:00:00Z');
    expect((await ask('/plan')).status).toBe(200);
  });

  it('fall back to the policy’s own numbers if a customer’s zone is unknown, with one warning', async () => {
    setClocks('2026-02-28T12:00:00Z');
    customers.set(who, { limit: 9, window: { calendar: 'day', timeZone: 'Mars/Olympus' } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await ask('/plan')).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^ReportsController\.plan: resolve of "plan" returned a value that cannot be used: RL_WINDOW_INVALID: .* got "Mars\/Olympus"\. The policy's own numbers apply instead: 2 per month UTC\./,
      ),
    ]);
  });

  it('go on over midnight while the answer of resolve is kept', async () => {
    setClocks('2026-10-24T21:59:59Z');
    customers.set(who, { limit: 2, window: 'day Europe/Berlin' });
    expect(await fields('/kept')).toEqual([200, '"kept";q=2;w=86400', '"kept";r=1;t=1', null]);
    setClocks('2026-10-24T22:00:00Z');
    expect(await fields('/kept')).toEqual([200, '"kept";q=2;w=90000', '"kept";r=1;t=90000', null]);
    expect(lookups).toBe(1);
  });

  it('name the present window also while a block lasts longer', async () => {
    setClocks('2026-03-28T12:00:00Z');
    for (const status of [200, 429]) expect((await ask('/blocking')).status).toBe(status);
    // Tomorrow has 23 hours.
    expect(await fields('/blocking')).toEqual([429, '"blocking";q=1;w=86400', '"blocking";r=0;t=86400', '86400']);
  });

  it('are the same for code without a request, by name and spelled out', async () => {
    setClocks('2026-03-28T12:00:00Z');
    const key = `header.x-caller:${who}`;
    await ask('/daily');
    const { daily } = policies;
    const spelledOut = definePolicy({ name: 'daily', limit: daily.limit, window: daily.window });
    expect(await limiter.peek('daily', key)).toMatchObject({ remaining: 2, resetAfter: 39_600_000 });
    const decision = await limiter.consume(spelledOut, key, { cost: 2 });
    expect(decision).toMatchObject({ remaining: 0, resetAfter: 39_600_000 });
    expect(rateLimitHeaders([{ policy: spelledOut, cost: 2, decision }], { profile: 'both', now: time })).toMatchObject(
      {
        'RateLimit-Policy': '"daily";q=3;w=86400',
        'X-RateLimit-Reset': String(Date.parse('2026-03-28T23:00:00Z') / 1_000),
      },
    );
    expect((await ask('/daily')).status).toBe(429);
    await limiter.reset({ name: 'daily', limit: 3, window: 'day America/New_York' }, key);
    expect((await ask('/daily')).status).toBe(200);
    await limiter.block('blocking', key, '1h');
    expect(await limiter.peek('blocking', key)).toMatchObject({ remaining: 0, resetAfter: 3_600_000 });
  });

  it('are in the summary of the start and in the document of the API', () => {
    expect(summary).toContain('daily: 3 per day Europe/Berlin, fixed-window; ');
    expect(summary).toContain('"3-per-week"): 3 per week Asia/Kolkata from sunday, fixed-window; ');
    expect(summary).toContain('plan: by your resolve function, else 2 per month UTC, fixed-window; ');
    documentRateLimits(app.nest);
    const { paths } = SwaggerModule.createDocument(app.nest, new DocumentBuilder().build());
    const answer = paths['/both']!.get!.responses['429'] as {
      description: string;
      headers: Record<string, { example: string }>;
    };
    expect(answer.description).toBe(
      'Over the quota of "daily" (3 per day Europe/Berlin) or "monthly" (100 per month Europe/Berlin).',
    );
    expect(answer.headers['RateLimit-Policy']!.example).toBe('"daily";q=3;w=86400, "monthly";q=100;w=2678400');
  });
});

describe('a wrong calendar window stops the start, with an error that says what to write', () => {
  afterEach(closeApps);

  it.each<[string, unknown, string]>([
    ['an unknown unit', { calendar: 'days' }, `window: calendar must be one of minute, hour, day, week, month, year`],
    [
      'another spelling of timeZone',
      { calendar: 'day', timezone: 'UTC' },
      'no option "timezone"; did you mean timeZone?',
    ],
    [
      'another name of the unit',
      { unit: 'day' },
      'window has no option "unit"; it takes calendar, timeZone, weekStart',
    ],
    ['a misspelled zone', 'day Europe/Berln', `got "Europe/Berln"; did you mean 'Europe/Berlin'?`],
    ['a zone behind a slash', 'day/Europe/Berlin', `did you mean 'day Europe/Berlin'?`],
    ['a weekday as text', 'week sunday', `got "week sunday"; write { calendar: 'week', weekStart: 'sunday' }`],
    ['a day of the month as text', 'month 15', `got "month 15"; write { calendar: 'month', anchor: 15 }`],
    ['an offset', 'day +02:00', `or 'UTC', got "+02:00"`],
    ['a date', new Date(0), `for windows that begin on a date write { calendar: 'month', anchor: … }`],
    ['a list', ['day', 'UTC'], 'window must be like'],
    ['a day that no month has', { calendar: 'month', anchor: 32 }, 'a day from 1 to 31, got 32'],
    ['a day in text', { calendar: 'month', anchor: '15' }, 'got "15" (it is text: use Number(…))'],
    ['a time in ms', { calendar: 'month', anchor: 1.8e12 }, 'got 1800000000000 (if that is a time, use new Date(…))'],
    ['an invalid date', { calendar: 'month', anchor: new Date('soon') }, 'a day from 1 to 31, got Invalid Date'],
    ['a day of a week', { calendar: 'week', anchor: 1 }, 'window: anchor must be'],
  ])('%s', async (_what, window, message) => {
    const options = { policies: { p: { limit: 1, window: window as never } } };
    await expect(boot('express', options, { controllers })).rejects.toThrow(message);
  });

  it('which the compiler refuses too', () => {
    const windows: PolicyOptions['window'][] = [
      // @ts-expect-error not a unit
      'daily',
      // @ts-expect-error not a unit
      { calendar: 'days' },
      // @ts-expect-error not how a zone is written
      'day/Europe/Berlin',
      // @ts-expect-error not how the field is written
      { calendar: 'day', timezone: 'Europe/Berlin' },
      // @ts-expect-error not a window
      new Date(0),
    ];
    for (const window of windows) expect(() => definePolicy({ name: 'p', limit: 1, window })).toThrow(RateLimitError);
  });

  it('with another algorithm', async () => {
    const p = { limit: 1, window: 'day Europe/Berlin', algorithm: 'sliding-window' } as const;
    await expect(boot('express', { policies: { p } }, {})).rejects.toThrow(
      `RL_WINDOW_INVALID: policies.p: sliding-window does not take calendar windows ("day Europe/Berlin"); use fixed-window, or a span like '1d'`,
    );
  });

  it('under a name that has the same unit in another zone, or a span of the same length', async () => {
    for (const window of ['day Asia/Tokyo', '1d'] as const) {
      @Controller()
      class OtherController {
        @Get()
        @RateLimit({ name: 'daily', limit: 3, window, key: caller })
        find() {}
      }
      const options = { policies: { daily: policies.daily } };
      await expect(boot('express', options, { controllers: [OtherController] })).rejects.toThrow(
        `the policy "daily" is defined twice, with window "day Europe/Berlin" and "${window}"`,
      );
    }
  });
});
