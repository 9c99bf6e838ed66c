import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { Controller, Get } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { RateLimiter, rateLimitHealth } from 'nestjs-redis-rate-limit';
import { createLimiter, type Limiter, type LimiterOptions } from 'nestjs-redis-rate-limit/engine';
import { boot, closeApps } from '../support/app.js';
import { sharedRedis } from '../support/redis/servers.js';

const logged: string[] = [];
const log = (message: string) => void logged.push(message);
const logger = { log: () => undefined, warn: log, error: log };

const opened: Limiter[] = [];
afterEach(async () => {
  await closeApps();
  await Promise.all(opened.splice(0).map((limiter) => limiter.close()));
  logged.length = 0;
});

async function open(options: LimiterOptions): Promise<Limiter> {
  const limiter = await createLimiter({ policies: { login: { limit: 1, window: '1h' } }, logger, ...options });
  opened.push(limiter);
  return limiter;
}

/** A port of this machine on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

@Controller()
class ThingsController {
  @Get('things')
  things() {}
}

describe('top()', () => {
  it('lists the callers that the guard and code denied', async () => {
    const app = await boot(
      'express',
      {
        policies: { burst: { limit: 1, window: '1h' }, trial: { limit: 1, window: '1h', mode: 'shadow' } },
        default: ['burst', 'trial'],
      },
      { controllers: [ThingsController] },
    );
    const limiter = app.nest.get(RateLimiter);
    for (let i = 0; i < 4; i++) await app.get('/things');
    for (let i = 0; i < 2; i++) await limiter.consume('burst', 'job');
    expect(limiter.top('burst')).toEqual([
      { key: 'ip:127.0.0.1', denials: 3, atMostTooHigh: 0 },
      { key: 'job', denials: 1, atMostTooHigh: 0 },
    ]);
    expect(limiter.top('burst', { most: 1 })).toHaveLength(1);
    for (let i = 0; i < 2; i++) await limiter.consume('trial', 'job', { cost: 2 });
    expect(limiter.top('trial')).toContainEqual({ key: 'job', denials: 2, atMostTooHigh: 0 });
    expect(() => limiter.top('brust')).toThrow(/RL_UNKNOWN_POLICY/);
    expect(() => limiter.top('burst', { most: 0 })).toThrow(/RL_OPTION_INVALID: most/);
  });

  it('lists the callers that reserve() and wait() denied', async () => {
    const limiter = await open({});
    await limiter.consume('login', 'a');
    await limiter.reserve('login', 'a');
    await limiter.wait('login', 'a', { timeout: '1s' }).catch(() => undefined);
    expect(limiter.top('login')).toEqual([{ key: 'a', denials: 2, atMostTooHigh: 0 }]);
  });
});

describe('logDenials', () => {
  it('logs a last entry when the limiter closes', async () => {
    const limiter = await open({ logDenials: { every: '1h', keys: 'plain' } });
    for (let i = 0; i < 2; i++) await limiter.consume('login', 'a');
    await limiter.close();
    expect(logged.join()).toMatch(/^Denied since the last entry: .*"callers":\[\{"key":"a","denials":1\}\]/);
  });

  it.each([
    [true, /RL_LOG_DENIALS_INVALID: logDenials must be an object like \{ every: '10s' \}, got true/],
    [{ every: '10' }, /RL_LOG_DENIALS_INVALID: every of logDenials must be a span/],
    [{ every: '2h' }, /RL_LOG_DENIALS_INVALID/],
    [{ every: '1s', keys: 'hash' }, /RL_LOG_DENIALS_INVALID: keys of logDenials must be one of hashed, plain/],
    [{ evry: '1s' }, /RL_OPTION_UNKNOWN: .*did you mean every/],
  ])('refuses %j', async (logDenials, error) => {
    await expect(createLimiter({ logDenials: logDenials as never })).rejects.toThrow(error);
  });
});

describe('health', () => {
  const session = () => new HealthIndicatorService().check('rate-limit');

  it('is up while Redis answers, and stores nothing', async () => {
    const limiter = await open({ redis: sharedRedis().url, prefix: randomUUID() });
    expect(await limiter.health()).toEqual({ isAvailable: true, by: 'store', duration: expect.any(Number) as number });
    expect(await rateLimitHealth(session(), limiter)).toEqual({ 'rate-limit': { status: 'up', decidedBy: 'store' } });
  });

  it('is degraded or down while Redis is away, says who decides, and has no password', async () => {
    const redis = `redis://:secret@127.0.0.1:${await closedPort()}`;
    const limiter = await open({ redis });
    const health = await limiter.health();
    expect(health).toMatchObject({ isAvailable: false, by: 'local', problem: expect.any(String) as string });
    expect(JSON.stringify(health)).not.toContain('secret');
    const away = (status: string) => ({ 'rate-limit': { status, decidedBy: 'local' } });
    expect(await rateLimitHealth(session(), limiter)).toMatchObject(away('degraded'));
    expect(await rateLimitHealth(session(), limiter, { whenAway: 'down' })).toMatchObject(away('down'));
    const { up, down } = { up: (data: object) => ['up', data], down: () => 'down' };
    expect(await rateLimitHealth({ up, down }, limiter)).toMatchObject(['up', { degraded: true }]);
    await expect(rateLimitHealth(session(), limiter, { whenAway: 'up' as never })).rejects.toThrow(/RL_OPTION_INVALID/);
  });
});
