import { Controller, Get } from '@nestjs/common';
import {
  MemoryStore,
  RateLimit,
  RateLimiter,
  StoreUnavailableError,
  type Hit,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { createLimiter, type Limiter } from 'nestjs-redis-rate-limit/engine';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { adapters, boot, closeApps } from '../support/app.js';
import { sharedRedis } from '../support/redis/servers.js';

const opened: Limiter[] = [];
afterEach(async () => {
  for (const limiter of opened.splice(0)) await limiter.close();
  await closeApps();
});
const key = () => 'k';

describe.each(adapters)('on %s', (adapter) => {
  it('an application that closes settles what its calls hold, also those that run on', async () => {
    let running = 0;
    @Controller()
    class Work {
      @Get('short')
      @RateLimit('tokens', 'slots')
      async short() {
        running++;
        await sleep(60);
      }

      @Get('endless')
      @RateLimit('tokens', 'slots')
      endless() {
        running++;
        return new Promise(() => {});
      }
    }
    const numbers = {
      tokens: { limit: 1_000, window: '1h' },
      slots: { algorithm: 'concurrency', limit: 10, lease: '10m' },
    } as const;
    const policies: RateLimitModuleOptions['policies'] = {
      tokens: {
        ...numbers.tokens,
        key,
        cost: 100,
        async settle({ ending }) {
          await sleep(20);
          return ending === 'disconnect' ? 4 : 3;
        },
      },
      slots: { ...numbers.slots, key },
    };
    const redis = sharedRedis().url;
    const prefix = `closing-${randomUUID()}`;
    const { nest, url, get } = await boot(
      adapter,
      { policies, redis, prefix, timeout: 5_000 },
      { controllers: [Work] },
    );
    const answer = get('/short', { connection: 'close' });
    const client = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    client.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
    while (running < 2) await sleep(2);
    client.destroy();
    await nest.close();
    expect((await answer).status).toBe(200);

    const limiter = await createLimiter({ policies: numbers, redis, prefix, timeout: 5_000 });
    opened.push(limiter);
    expect(await limiter.holds('tokens', 'k')).toEqual([]);
    expect(await limiter.holds('slots', 'k')).toEqual([]);
    expect((await limiter.peek('tokens', 'k')).remaining).toBe(1_000 - 3 - 4);
  });

  it('a call that has no decision of a later policy gets its charge back', async () => {
    class Failing extends MemoryStore {
      override consume(hits: readonly Hit[]) {
        if (hits.some(({ policy }) => policy.name === 'later')) throw new StoreUnavailableError('away');
        return super.consume(hits);
      }
    }
    @Controller()
    class Login {
      @Get()
      @RateLimit('login', 'later')
      login() {}
    }
    const policies: RateLimitModuleOptions['policies'] = {
      login: { limit: 5, window: '15m', count: 'failures', key },
      later: { limit: 5, window: '15m', key, phase: 'late', onStoreFailure: 'closed' },
    };
    const { nest, get } = await boot(adapter, { policies, store: new Failing() }, { controllers: [Login] });
    expect((await get('/')).status).toBe(503);
    const limiter = nest.get(RateLimiter);
    while ((await limiter.holds('login', 'k')).length > 0) await sleep(2);
    expect((await limiter.peek('login', 'k')).remaining).toBe(5);
  });
});
