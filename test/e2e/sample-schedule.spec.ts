import type { INestApplication } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { randomUUID } from 'node:crypto';
import { RateLimiter, StoreUnavailableError } from 'nestjs-redis-rate-limit';
import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
import { hourOf, nextChange } from '../../apps/sample/src/schedule/hours.js';
import { TrialSchedule, type Run } from '../../apps/sample/src/schedule/trial-schedule.js';
import { adapters } from '../support/app.js';
import { sharedRedis, startRedis } from '../support/redis/servers.js';
import { until } from '../support/redis/until.js';

interface Instance {
  readonly app: INestApplication;
  readonly url: string;
  readonly schedule: TrialSchedule;
  readonly limiter: RateLimiter;
}

const apps: INestApplication[] = [];
/** What the schedules have logged. */
let log: string[] = [];
afterEach(async () => {
  log = [];
  for (const app of apps.splice(0)) await app.close();
});

async function start(env: Record<string, string> = {}): Promise<Instance> {
  const app = await createApp(configFrom(env));
  apps.push(app);
  const keep = (message: string, context?: string) => void (context === TrialSchedule.name && log.push(message));
  app.useLogger({ log: keep, warn: keep, error: keep });
  await app.listen(0, '127.0.0.1');
  app.flushLogs();
  return { app, url: await app.getUrl(), schedule: app.get(TrialSchedule), limiter: app.get(RateLimiter) };
}

/** Two instances of the application on one Redis. */
const startTwo = (url = sharedRedis().url): Promise<[Instance, Instance]> => {
  const env = { REDIS_URL: url, RATE_LIMIT_PREFIX: `schedule-${randomUUID()}` };
  return Promise.all([start(env), start(env)]);
};

const limitOf = async ({ limiter }: Instance) => (await limiter.limits.get('trial')).limit;
const outcomes = (runs: readonly Run[]) => runs.map(({ outcome }) => outcome).sort();
const trial = (url: string) => fetch(`${url}/api/trial`, { headers: { 'x-api-key': 'alice' } });

describe('the schedule of two instances on one Redis', () => {
  it('raises the limit once for an hour, however many run the job, and however often', async () => {
    const [a, b] = await startTwo();
    const runs = await Promise.all([a, b, a, b].map(({ schedule }) => schedule.raise('2026-11-22T10')));
    expect(outcomes(runs)).toEqual(['done', 'done before', 'done before', 'done before']);
    expect(runs.find(({ outcome }) => outcome === 'done')).toMatchObject({ job: 'raise', limit: 10 });
    expect([await limitOf(a), await limitOf(b)]).toEqual([10, 10]);

    // One of them did it, and knows.
    const lasts = [a, b].flatMap(({ schedule }) => schedule.last ?? []);
    expect(lasts).toEqual([expect.objectContaining({ tick: '2026-11-22T10', outcome: 'done', limit: 10 })]);
    expect((await b.schedule.raise('2026-11-22T10')).outcome).toBe('done before');
  });

  it('raises it from hour to hour up to 50, and takes that back at midnight', async () => {
    const two = await startTwo();
    const limits: number[] = [];
    for (let hour = 1; hour < 24; hour++) {
      const tick = hourOf(Date.UTC(2026, 10, 22, hour));
      expect(outcomes(await Promise.all(two.map(({ schedule }) => schedule.raise(tick))))).toContain('done');
      limits.push(await limitOf(two[hour % 2]!));
    }
    expect(limits).toEqual([10, 15, 20, 25, 30, 35, 40, 45, 50, ...Array<number>(14).fill(50)]);

    const midnight = hourOf(Date.UTC(2026, 10, 23));
    const runs = await Promise.all(two.map(({ schedule }) => schedule.setBack(midnight)));
    expect(outcomes(runs)).toEqual(['done', 'done before']);
    expect(await two[0].limiter.limits.get('trial')).toMatchObject({ limit: 5, version: 0 });

    await two[1].schedule.raise('2026-11-23T01');
    // One whose clock rings late does not undo what came since.
    expect((await two[0].schedule.setBack(midnight)).outcome).toBe('done before');
    expect(await limitOf(two[0])).toBe(10);
  });

  it('leaves a limit alone that somebody has set higher', async () => {
    const [a, b] = await startTwo();
    await a.limiter.limits.set('trial', { limit: 200 });
    expect(await b.schedule.raise('2026-11-22T10')).toMatchObject({ outcome: 'done', limit: 200 });
  });

  it('loses neither a raise nor what somebody else adds at the same time', async () => {
    const [a, b] = await startTwo();
    const raises = [1, 2, 3, 4, 5].map((hour) => a.schedule.raise(`2026-11-22T0${hour}`));
    const others = Array.from({ length: 10 }, () =>
      b.limiter.limits.set('trial', ({ limit }) => ({ limit: limit + 1 })),
    );
    await Promise.all([...raises, ...others]);
    expect([await limitOf(a), await limitOf(b)]).toEqual([40, 40]);
  });

  it('changes what the other instance admits, and what has been used stays used', async () => {
    const [a, b] = await startTwo();
    for (let i = 0; i < 6; i++) expect((await trial(b.url)).status).toBe(i < 5 ? 200 : 429);
    await a.schedule.raise('2026-11-22T10');
    await until('the other instance does not go by the raised limit', async () => {
      const answer = await trial(b.url);
      return answer.headers.get('ratelimit-policy') === '"trial";q=10;w=60';
    });
    expect((await trial(a.url)).headers.get('ratelimit')).toMatch(/^"trial";r=3;/);
  });

  it('gives an hour back whose work failed, and the next who comes does it', async () => {
    const [a, b] = await startTwo();
    const broken = new TrialSchedule(failing(a.limiter, new Error('no more limits are kept')));
    expect(await broken.raise('2026-11-22T10')).toMatchObject({ outcome: 'failed' });
    expect(log).toEqual(['raise 2026-11-22T10: no more limits are kept']);
    expect(await limitOf(a)).toBe(5);
    const runs = await Promise.all([a, b].map(({ schedule }) => schedule.raise('2026-11-22T10')));
    expect(outcomes(runs)).toEqual(['done', 'done before']);
    expect(await limitOf(a)).toBe(10);
  });

  it('does not try again what may have been done', async () => {
    const [a, b] = await startTwo();
    const broken = new TrialSchedule(failing(a.limiter, new StoreUnavailableError('no answer in 250 ms')));
    expect(await broken.raise('2026-11-22T10')).toMatchObject({ outcome: 'failed' });
    expect((await b.schedule.raise('2026-11-22T10')).outcome).toBe('done before');
  });

  it('leaves the limit as it is while Redis is away, says so once, and does it when Redis is back', async () => {
    const server = await startRedis();
    try {
      const [a] = await startTwo(server.url);
      expect((await a.schedule.raise('2026-11-22T10')).outcome).toBe('done');
      await server.kill();
      expect((await a.schedule.raise('2026-11-22T11')).outcome).toBe('failed');
      expect(log).toEqual([expect.stringMatching(/^raise 2026-11-22T11: RL_STORE_UNAVAILABLE: /)]);
      const answer = await trial(a.url);
      expect([answer.status, answer.headers.get('ratelimit-policy')]).toEqual([200, '"trial";q=10;w=60']);

      await server.restart();
      await until('the job is not done', async () => (await a.schedule.raise('2026-11-22T11')).outcome === 'done');
    } finally {
      for (const app of apps.splice(0)) await app.close();
      await server.stop();
    }
  }, 60_000);
});

it('is done once in memory too', async () => {
  const one = await start();
  const runs = await Promise.all([1, 2].map(() => one.schedule.raise('2026-11-22T10')));
  expect(outcomes(runs)).toEqual(['done', 'done before']);
  expect(await limitOf(one)).toBe(10);
  await one.schedule.setBack('2026-11-23T00');
  expect(await limitOf(one)).toBe(5);
});

describe('the jobs', () => {
  it('run at every hour of UTC but midnight, and at midnight; each again after ten and twenty minutes', async () => {
    const { app } = await start();
    const jobs = app.get(SchedulerRegistry).getCronJobs();
    expect([...jobs.keys()].sort()).toEqual(['raise', 'set back']);
    const times = (name: string) => {
      const dates = jobs.get(name)!.nextDates(3 * 23);
      return new Set(dates.map((date) => date.toUTC().toFormat('HH:mm:ss')));
    };
    const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'));
    const [midnight, ...others] = hours.map((hour) => ['00', '10', '20'].map((minute) => `${hour}:${minute}:00`));
    expect([...times('raise')].sort()).toEqual(others.flat());
    expect([...times('set back')].sort()).toEqual(midnight);
  });

  it('are for the hour in which they run', async () => {
    const { app, schedule } = await start();
    const registry = app.get(SchedulerRegistry);
    for (const name of ['raise', 'set back']) {
      const hours = [hourOf(Date.now())];
      await registry.getCronJob(name).fireOnTick();
      await until(`${name} has not run`, () => Promise.resolve(schedule.last?.job === name));
      hours.push(hourOf(Date.now()));
      expect(hours).toContain(schedule.last!.tick);
    }
  });

  it('stop when the application does', async () => {
    const { app } = await start();
    const jobs = [...app.get(SchedulerRegistry).getCronJobs().values()];
    expect(jobs.map(({ isActive }) => isActive)).toEqual([true, true]);
    await app.close();
    expect(jobs.map(({ isActive }) => isActive)).toEqual([false, false]);
  });
});

describe('the hour of a job', () => {
  it.each([
    ['2026-11-22T10:00:00.000Z', '2026-11-22T10'],
    ['2026-11-22T10:20:30.000Z', '2026-11-22T10'],
    ['2026-11-22T10:54:59.999Z', '2026-11-22T10'],
    // Its clock was set back while the timer ran.
    ['2026-11-22T09:59:58.000Z', '2026-11-22T10'],
    ['2026-12-31T23:59:59.999Z', '2027-01-01T00'],
  ])('at %s is %s', (now, hour) => expect(hourOf(Date.parse(now))).toBe(hour));

  it.each([
    ['2026-11-22T10:00:00.000Z', '2026-11-22T11:00:00.000Z', 'raise'],
    ['2026-11-22T22:59:59.999Z', '2026-11-22T23:00:00.000Z', 'raise'],
    ['2026-11-22T23:00:00.000Z', '2026-11-23T00:00:00.000Z', 'set back'],
    ['2026-11-23T00:00:00.000Z', '2026-11-23T01:00:00.000Z', 'raise'],
  ])('after %s is %s, to %s', (now, at, job) => {
    expect(nextChange(Date.parse(now))).toEqual({ at: Date.parse(at), job });
  });
});

describe.each(adapters)('the schedule of the demo on %s', (adapter) => {
  const post = (url: string, body: unknown) =>
    fetch(`${url}/demo/schedule`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('tells what holds, what comes next, and what was done', async () => {
    const { url } = await start({ HTTP_ADAPTER: adapter });
    const state = async () => (await fetch(`${url}/demo/schedule`)).json();
    const instance = expect.stringMatching(new RegExp(`-${process.pid}$`));
    const next = { at: expect.any(Number), job: expect.stringMatching(/^(raise|set back)$/) };
    expect(await state()).toEqual({ instance, limit: 5, version: 0, next });

    const ran = await post(url, { job: 'raise', tick: 'tick-0001' });
    const last = { job: 'raise', tick: 'by hand tick-0001', at: expect.any(Number), outcome: 'done', limit: 10 };
    expect([ran.status, await ran.json()]).toEqual([200, { instance, ...last }]);
    expect(await state()).toEqual({ instance, limit: 10, version: 1, next, last });

    expect(await (await post(url, { job: 'raise', tick: 'tick-0001' })).json()).toMatchObject({
      outcome: 'done before',
    });
    await post(url, { job: 'set back', tick: 'tick-0002' });
    expect(await state()).toMatchObject({ limit: 5, version: 0, last: { job: 'set back', limit: 5 } });
  });

  it.each([
    {},
    { job: 'raise' },
    { job: 'raise', tick: 'x' },
    { job: 'raise', tick: ['tick-0001'] },
    { job: 'lower', tick: 'tick-0001' },
  ])('refuses %j', async (body) => {
    const { url } = await start({ HTTP_ADAPTER: adapter });
    expect((await post(url, body)).status).toBe(400);
  });
});

it('tells the limit that the instance knows while Redis is away', async () => {
  const server = await startRedis();
  try {
    const one = await start({ REDIS_URL: server.url });
    await one.schedule.raise('2026-11-22T10');
    await server.kill();
    const state: unknown = await (await fetch(`${one.url}/demo/schedule`)).json();
    expect(state).toMatchObject({ limit: 10, last: { outcome: 'done' } });
    expect(state).not.toHaveProperty('version');
  } finally {
    for (const app of apps.splice(0)) await app.close();
    await server.stop();
  }
});

/** A rate limiter whose limits cannot be set. */
function failing(limiter: RateLimiter, error: Error): RateLimiter {
  const limits = { set: () => Promise.reject(error) };
  return { consume: limiter.consume.bind(limiter), limits } as unknown as RateLimiter;
}
