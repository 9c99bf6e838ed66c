import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import {
  RateLimit,
  RateLimiter,
  RateLimitGuard,
  RateLimitModule,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
import { startCluster } from '../support/redis/cluster.js';
import { sharedRedis, startRedis, type Server } from '../support/redis/servers.js';

@Controller()
class OneController {
  @Get()
  @RateLimit('one')
  one() {}
}

const options: RateLimitModuleOptions = { policies: { one: { limit: 1, window: '1h' } } };
const controllers = [OneController];

@Injectable()
class OptionsFactory {
  createRateLimitOptions(): RateLimitModuleOptions {
    return options;
  }
}

/** As a configuration library hands it out. */
class RedisSettings {
  constructor(
    readonly host: string,
    readonly port: number,
  ) {}
}

@Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
class OptionsModule {}

let server: Server | undefined;
afterEach(async () => {
  await closeApps();
  closeClients();
  await server?.stop();
  server = undefined;
});

const statuses = async (get: (path: string) => Promise<Response>) => [(await get('/')).status, (await get('/')).status];

describe.each(adapters)('RateLimitModule on %s', (adapter) => {
  it.each([
    [
      'useFactory',
      RateLimitModule.forRootAsync({
        imports: [OptionsModule],
        inject: [OptionsFactory],
        useFactory: async (from: OptionsFactory) => from.createRateLimitOptions(),
      }),
    ],
    ['useClass', RateLimitModule.forRootAsync({ useClass: OptionsFactory })],
    ['useExisting', RateLimitModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsFactory })],
  ])('forRootAsync takes %s', async (_way, module) => {
    const { get } = await boot(adapter, module, { controllers });
    expect(await statuses(get)).toEqual([200, 429]);
  });

  it('forRootAsync takes guard: false, which leaves the binding to the user', async () => {
    @Controller()
    class FreeController {
      @Get()
      one() {}
    }
    const module = RateLimitModule.forRootAsync({
      guard: false,
      useFactory: () => ({ ...options, default: ['one'] }),
    });
    const hand = await boot(adapter, module, {
      controllers: [FreeController],
      prepare: (nest) => nest.useGlobalGuards(nest.get(RateLimitGuard)),
    });
    expect(await statuses(hand.get)).toEqual([200, 429]);
    // A guard that could call ours.
    const free = await boot(adapter, module, {
      controllers: [FreeController],
      prepare: (nest) => nest.useGlobalGuards({ canActivate: () => true }),
    });
    expect(await statuses(free.get)).toEqual([200, 200]);
  });

  it('takes a url, options, and clients of ioredis 6 and 5, each sharing one quota', async () => {
    server = await startRedis();
    const { url, host, port } = server;
    const ways = [url, { host, port }, new RedisSettings(host, port), connectTo(url), connectWithIoredis5(url)];
    const apps = await Promise.all(ways.map((redis) => boot(adapter, { ...options, redis }, { controllers })));
    const first = await apps[0]!.get('/');
    expect(first.status).toBe(200);
    for (const { get } of apps) expect((await get('/')).status).toBe(429);
  });

  it('takes the nodes of a Cluster', async () => {
    const cluster = await startCluster();
    try {
      const redis = {
        nodes: cluster.nodes.map(({ host, port }) => ({ host, port })),
        options: { scaleReads: 'master' },
      };
      const apps = await Promise.all([0, 1].map(() => boot(adapter, { ...options, redis }, { controllers })));
      expect((await apps[0]!.get('/')).status).toBe(200);
      expect((await apps[1]!.get('/')).status).toBe(429);
      await closeApps();
    } finally {
      await cluster.stop();
    }
  });

  it('closes the client it made and leaves alone the one it was given', async () => {
    server = await startRedis();
    const given = connectTo(server.url);
    const admin = connectTo(server.url);
    await Promise.all([given.ping(), admin.ping()]);
    const connections = async () =>
      String(await admin.client('LIST'))
        .trim()
        .split('\n').length;
    const before = await connections();
    const made = await boot(adapter, { ...options, redis: server.url }, { controllers });
    const own = await boot(adapter, { ...options, redis: given }, { controllers });
    expect(await connections()).toBe(before + 1);
    await made.nest.close();
    await own.nest.close();
    expect(await connections()).toBe(before);
    expect(await given.ping()).toBe('PONG');
  });

  it('closes in time, and answers what is in flight, while Redis is frozen', async () => {
    server = await startRedis();
    const policies = { one: { limit: 2, window: '1h' } } as const;
    const { nest, url, get } = await boot(adapter, { policies, redis: server.url }, { controllers });
    await get('/', { connection: 'close' });
    await server.freeze();
    // A connection of its own: one that is kept alive keeps Fastify open, whatever we do.
    const asked = once(request(`${url}/`, { agent: false }).end(), 'response') as Promise<[IncomingMessage]>;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const start = performance.now();
    await nest.close();
    const [answer] = await asked;
    expect(answer.statusCode).toBe(200);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('RateLimiter', () => {
  it('is the same quota as the routes’, by name, policy or definition, and a denial is an answer', async () => {
    const { nest, get } = await boot('express', options, { controllers });
    const limiter = nest.get(RateLimiter);
    await get('/');
    expect(await limiter.peek('one', 'ip:127.0.0.1')).toMatchObject({ allowed: true, remaining: 0 });
    expect(await limiter.consume('one', 'ip:127.0.0.1')).toMatchObject({ allowed: false, limit: 1, by: 'store' });
    await limiter.reset('one', 'ip:127.0.0.1');
    expect((await get('/')).status).toBe(200);

    const spelled = { name: 'jobs', limit: 10, window: '1h' } as const;
    expect(await limiter.consume(spelled, 'queue:mail', { cost: 4 })).toMatchObject({ allowed: true, remaining: 6 });
    expect(await limiter.consume(spelled, 'queue:mail', { cost: -4 })).toMatchObject({ allowed: true, remaining: 10 });
  });

  it('names a policy that is not there, and one whose limit needs a request', async () => {
    const policies = { ...options.policies, plan: { window: '1h', limit: () => 1 } as const };
    const { nest } = await boot('express', { policies }, { controllers });
    const limiter = nest.get(RateLimiter);
    await expect(limiter.consume('on', 'k')).rejects.toThrow(
      'RL_UNKNOWN_POLICY: the policy "on" is not defined; the catalogue has one, plan',
    );
    await expect(limiter.consume('plan', 'k')).rejects.toThrow('RL_POLICY_DYNAMIC');
    await expect(limiter.consume('one', 'k', { cost: 0.5 })).rejects.toThrow(
      'RL_COST_INVALID: one: a cost must be a whole number, got 0.5',
    );
  });

  it('works in an application context, without a server', async () => {
    @Module({ imports: [RateLimitModule.forRoot(options)] })
    class Root {}
    const context = await NestFactory.createApplicationContext(Root, { logger: false });
    expect(await context.get(RateLimiter).consume('one', 'job')).toMatchObject({ allowed: true });
    await context.close();
  });
});

describe('a process that used Redis', () => {
  it('keeps its keys under the prefix, after a client’s own keyPrefix, each once', async () => {
    server = await startRedis();
    const client = connectTo(server.url, { keyPrefix: 'mine:' });
    const { get } = await boot('express', { ...options, redis: client, prefix: 'limits' }, { controllers });
    await get('/');
    const admin = new Redis(server.url);
    const keys = await admin.keys('*');
    admin.disconnect();
    expect(keys).toEqual(['mine:limits:{ip:127.0.0.1}:one:fw3600000']);
  });

  it('shares the run’s server with whoever else is there', async () => {
    const prefix = `test-${process.pid}-${Date.now()}`;
    const apps = await Promise.all(
      [0, 1].map(() => boot('fastify', { ...options, redis: sharedRedis().url, prefix }, { controllers })),
    );
    expect((await apps[0]!.get('/')).status).toBe(200);
    expect((await apps[1]!.get('/')).status).toBe(429);
  });
});
