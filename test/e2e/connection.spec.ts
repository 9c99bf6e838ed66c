import { Controller, Get, Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { RateLimit, RateLimiter } from 'nestjs-redis-rate-limit';
import { connect, disconnect } from '../../libs/rate-limit/src/stores/redis/connection/connection.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { startCluster } from '../support/redis/cluster.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { until } from '../support/redis/until.js';

@Controller()
class ConnectionController {
  @Get()
  @RateLimit({ name: 'daily', limit: 1_000, window: '1d', onStoreFailure: 'closed' })
  one() {}
}

const daily = { name: 'daily', limit: 1_000, window: '1d', onStoreFailure: 'closed' } as const;
const controllers = [ConnectionController];

let server: Server;
let proxy: Proxy;
beforeEach(async () => {
  server = await startRedis();
  proxy = await startProxy(server);
});
/** What a test opens beside. */
const after: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
  for (const close of after.splice(0).reverse()) await close();
  closeClients();
  await proxy?.stop();
  await server?.stop();
});

describe('a connection of ours', () => {
  it('is told of at the start: where, and with which prefix', async () => {
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => {});
    const { host } = new URL(server.url);
    await boot('fastify', { redis: server.url.replace('redis://', 'redis://default:hush@'), prefix: 'shop' }, {});
    expect(log.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('Quotas'))).toEqual([
      `Rate limits: 0 handlers limited, 0 without a limit.\n  Quotas are kept by Redis at ${host}, with the prefix "shop".`,
    ]);
  });

  it('that goes silent, without being closed, is given up for a new one', async () => {
    const { get } = await boot('fastify', { redis: proxy.url }, { controllers });
    expect((await get('/')).status).toBe(200);
    proxy.silence();
    expect((await get('/')).status).toBe(503);
    let status = 503;
    for (const end = performance.now() + 15_000; status !== 200 && performance.now() < end;)
      status = (await get('/')).status;
    expect(status).toBe(200);
  });

  it.each([
    ['', ({ url }: Proxy) => url],
    // Without retries left ioredis forgets what was under way before it could send it again; so nothing but the other
    // option keeps it from that.
    [', though it may try a command again', ({ host, port }: Proxy) => ({ host, port, maxRetriesPerRequest: null })],
  ])('sends nothing twice when it dies with commands under way%s', async (_how, locationOf) => {
    const { nest } = await boot('fastify', { redis: locationOf(proxy), timeout: 1_500 }, { controllers });
    const limiter = nest.get(RateLimiter);
    await limiter.consume(daily, 'k');
    proxy.silence();
    const lost = Promise.allSettled(Array.from({ length: 64 }, () => limiter.consume(daily, 'k')));
    const store = new RedisStore(connectTo(server.url), { timeout: 10_000 });
    const left = async () => (await store.consume([{ policy: definePolicy(daily), key: 'k', cost: 0 }]))[0]!.remaining;
    await until('not all were charged', async () => (await left()) === 1_000 - 65);
    proxy.cut();
    // It connects again long before the deadline, until when Redis would charge what is sent again.
    expect((await lost).every(({ status }) => status === 'rejected')).toBe(true);
    await until('it did not connect again', async () => {
      const [decision] = await Promise.allSettled([limiter.consume(daily, 'other')]);
      return decision.status === 'fulfilled';
    });
    expect(await left()).toBe(1_000 - 65);
  });

  it('keeps its own options where those that are given are not set', async () => {
    const { host, port } = proxy;
    const connection = await connect({ host, port, autoResendUnfulfilledCommands: undefined }, 250, () => {});
    after.push(() => disconnect(connection, 250));
    expect(connection.client).toMatchObject({ options: { autoResendUnfulfilledCommands: false } });
  });

  it('goes on in database 0 when the server has no such database, and that is told', async () => {
    const told: string[] = [];
    const connection = await connect(`${server.url}/99`, 250, (news) => told.push(news));
    after.push(() => disconnect(connection, 250));
    expect(told).toEqual([
      expect.stringMatching(/^Redis at .* did not select database 99: .* uses database 0 instead;/),
    ]);
  });

  it('does not end the process when the retryStrategy that was given throws', async () => {
    const told: string[] = [];
    const retryStrategy = (): never => {
      throw new Error('no idea');
    };
    await server.stop();
    const connection = await connect({ host: server.host, port: server.port, retryStrategy }, 250, (news) =>
      told.push(news),
    );
    after.push(() => disconnect(connection, 250));
    await until('it was not told', async () => told.length === 2);
    expect(told[1]).toBe('retryStrategy of redis threw, so the default delay is used: no idea');
  });

  it('to a Cluster has no retries of its own either', async () => {
    const cluster = await startCluster();
    after.push(() => cluster.stop());
    const connection = await connect({ nodes: [...cluster.nodes] }, 250, () => {});
    after.push(() => disconnect(connection, 250));
    expect(connection.client).toMatchObject({
      options: { retryDelayOnFailover: 0, redisOptions: { autoResendUnfulfilledCommands: false } },
    });
  });
});

describe('a client that is handed in', () => {
  it.each([
    ['by ioredis’ defaults', {}, /sends commands again when its connection dies.*; and it takes minutes to notice/],
    ['to notice a silent connection', { socketTimeout: 2_000 }, /autoResendUnfulfilledCommands: false\.$/],
    [
      'to send nothing twice',
      { autoResendUnfulfilledCommands: false },
      /that you passed takes minutes .*socketTimeout: 2000\.$/,
    ],
  ])('made %s: its dangers are told once', async (_how, options, danger) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    await boot('fastify', { redis: connectTo(server.url, options) }, { controllers });
    expect(warn.mock.calls).toEqual([[expect.stringMatching(danger)]]);
  });

  it('of Sentinel: that it may ask a primary that was replaced', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const sentinels = [{ host: '127.0.0.1', port: server.port }];
    const safe = { autoResendUnfulfilledCommands: false, socketTimeout: 2_000, lazyConnect: true };
    const client = new Redis({ sentinels, name: 'none', ...safe });
    // Nothing is asked of it, so it never connects.
    await boot('fastify', { redis: client, liveLimits: false }, { controllers });
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/that you passed may use .*failoverDetector: true\.$/)]]);
  });

  it('closed, or subscribed: that it decides nothing', async () => {
    const safe = { autoResendUnfulfilledCommands: false, socketTimeout: 2_000 };
    const closed = connectTo(server.url, safe);
    await closed.quit();
    await until('it is open', async () => closed.status === 'end');
    const subscribed = connectTo(server.url, { ...safe, protocol: 2 });
    await subscribed.subscribe('news');
    const told: string[] = [];
    for (const client of [closed, subscribed]) await connect(client, 250, (news) => told.push(news));
    expect(told).toEqual([
      expect.stringMatching(/that you passed is closed, so no quota is shared/),
      expect.stringMatching(/that you passed is in subscriber mode, .* duplicate\(\)\.$/),
    ]);
  });

  it('made safely: nothing is told', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const client = connectTo(server.url, { autoResendUnfulfilledCommands: false, socketTimeout: 2_000 });
    await boot('fastify', { redis: client }, { controllers });
    expect(warn).not.toHaveBeenCalled();
  });
});
