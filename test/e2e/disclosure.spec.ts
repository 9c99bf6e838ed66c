import { randomUUID } from 'node:crypto';
import { Controller, Get, Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import {
  byApiKey,
  byHeader,
  byUser,
  RateLimit,
  StoreUnavailableError,
  type RateLimitStore,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { startRedis, type Server } from '../support/redis/servers.js';

@Controller()
class DisclosureController {
  @Get()
  @RateLimit(
    { name: 'ip', limit: 1, window: '1h' },
    { name: 'key', limit: 1, window: '1h', key: byApiKey },
    { name: 'region', limit: 1, window: '1h', key: byHeader('x-region') },
    { name: 'user', limit: 1, window: '1h', key: byUser, phase: 'early' },
  )
  all() {}

  @Get('closed')
  @RateLimit({ name: 'closed', limit: 1, window: '1h', key: byHeader('x-region'), onStoreFailure: 'closed' })
  closed() {}
}

const controllers = [DisclosureController];
const callers = { 'x-api-key': 'sesame', 'x-region': 'atlantis' };

let server: Server | undefined;
afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
  await server?.stop();
  server = undefined;
});

describe.each(adapters)('on %s', (adapter) => {
  async function answers(options: RateLimitModuleOptions, path: string, status: number): Promise<string> {
    const { get } = await boot(adapter, { headers: 'both', ...options }, { controllers });
    let all = '';
    let answer: Response;
    for (let i = 0; i < 3; i++) {
      answer = await get(path, callers);
      all += `${answer.statusText} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
    }
    expect(answer!.status).toBe(status);
    return all;
  }

  it('a denial tells the names of policies and numbers, no key, no address, nothing of Redis', async () => {
    server = await startRedis();
    const prefix = `hidden-${randomUUID()}`;
    const told = await answers({ redis: server.url, prefix }, '/', 429);
    expect(told).toMatch(/"ip".*"key".*"region"/);
    expect(told).not.toMatch(/sesame|atlantis|127\.0\.0\.1|hidden|redis|ioredis|fw3600000/i);
  });

  it('neither does an answer without Redis, whatever Redis said', async () => {
    const store: RateLimitStore = {
      consume: async () =>
        Promise.reject(new StoreUnavailableError('Redis at 10.9.8.7:6379 said WRONGPASS to limiter')),
      reset: async () => {},
    };
    const told = await answers({ store }, '/closed', 503);
    expect(told).toMatch(/violated-policies/);
    expect(told).not.toMatch(/atlantis|127\.0\.0\.1|10\.9\.8\.7|redis|WRONGPASS|limiter/i);
  });

  it('the log tells of the server, and of no caller', async () => {
    const lines: string[] = [];
    for (const level of ['log', 'warn', 'error'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((...parts) => void lines.push(parts.join(' ')));
    }
    server = await startRedis();
    const { get } = await boot(
      adapter,
      { redis: server.url.replace('redis://', 'redis://:open-sesame@') },
      { controllers },
    );
    await server.freeze();
    for (let i = 0; i < 8; i++) await get('/', callers);
    await server.kill();
    for (let i = 0; i < 8; i++) await get('/closed', callers);
    expect(lines.join('\n')).toMatch(/Redis at \S+:\d+ gave no answer/);
    expect(lines.join('\n')).not.toMatch(/sesame|atlantis/);
  });
});
