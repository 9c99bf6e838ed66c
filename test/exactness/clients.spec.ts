import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { everyKey } from './stored-keys.js';

const daily = definePolicy({ name: 'daily', limit: 10, window: '1d', algorithm: 'sliding-window' });

let server: Server;
beforeAll(async () => void (server = await startRedis()));
afterEach(() => connectTo(server.url).flushall());
afterAll(async () => {
  closeClients();
  await server?.stop();
});

describe.each([
  ['ioredis 6', connectTo],
  ['ioredis 5', connectWithIoredis5],
])('a client of the user’s own, %s', (_, connect) => {
  const spend = async (store: RedisStore, cost: number) => {
    const [decision] = await store.consume([{ policy: daily, key: 'user:42', cost }]);
    return decision;
  };
  const stored = async () => (await everyKey(connectTo(server.url))).map(({ key }) => key);

  it.each([
    ['', undefined, 'rl:{user:42}:daily:sw86400000'],
    ['app:', undefined, 'app:rl:{user:42}:daily:sw86400000'],
    ['app:', 'quota', 'app:quota:{user:42}:daily:sw86400000'],
  ])('its keyPrefix "%s" comes once, before the store’s %s: %s', async (keyPrefix, prefix, key) => {
    const store = new RedisStore(connect(server.url, { keyPrefix }), { timeout: 10_000, prefix });
    await spend(store, 1);
    await spend(store, 1);
    expect(await stored()).toEqual([key]);
    await store.reset(daily, 'user:42');
    expect(await stored()).toEqual([]);
  });

  it.each([
    ['stringNumbers', { stringNumbers: true }],
    ['enableAutoPipelining', { enableAutoPipelining: true }],
    ['lazyConnect', { lazyConnect: true }],
    ['another database', { db: 7 }],
  ])('%s makes no difference', async (__, options) => {
    const store = new RedisStore(connect(server.url, options), { timeout: 10_000 });
    expect(await spend(store, 3)).toEqual({
      allowed: true,
      limit: 10,
      remaining: 7,
      resetAfter: expect.any(Number),
      retryAfter: 0,
      by: 'store',
    });
    const denied = await spend(store, 8);
    expect(denied).toMatchObject({ allowed: false, remaining: 7, retryAfter: expect.any(Number) });
    expect(denied!.retryAfter).toBeGreaterThan(86_000_000);
  });
});
