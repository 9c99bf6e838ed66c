import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

describe.each(serverKinds())('on $label with a full memory and noeviction', (kind) => {
  let server: Server;
  beforeAll(async () => void (server = await startRedis({ kind })));
  afterEach(() => connectTo(server.url).config('SET', 'maxmemory', '0'));
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  it.each([...algorithmNames, 'calendar'] as const)(
    '%s: who is over is denied, nobody is charged, and all goes on when there is room',
    async (algorithm) => {
      const client = connectTo(server.url);
      await client.flushall();
      let time = 1_800_000_000_000;
      const store = new RedisStore(client, { now: () => time, timeout: 10_000 });
      const policy = definePolicy({
        name: 'p',
        limit: 3,
        ...(algorithm === 'calendar' ? { window: 'minute' } : { algorithm, window: 60_000 }),
        ...(algorithm === 'gcra' && { burst: 3 }),
      });
      const ask = async (key: string, cost = 1) => (await store.consume([{ policy, key, cost }]))[0]!;
      while ((await ask('spent')).allowed);
      await ask('some');
      const [over, left] = [await ask('spent'), await ask('some', 0)];

      await client.config('SET', 'maxmemory', '100kb', 'maxmemory-policy', 'noeviction');
      expect(await ask('spent')).toEqual(over);
      expect(await ask('some', 0)).toEqual(left);
      await expect(ask('new')).rejects.toThrow(StoreUnavailableError);
      const together = [
        { policy, key: 'spent', cost: 1 },
        { policy, key: 'some', cost: 1 },
      ];
      expect(await store.consume(together)).toEqual([over, left]);

      await client.config('SET', 'maxmemory', '0');
      expect((await client.keys('*')).length).toBe(2);
      expect(await ask('spent')).toEqual(over);
      expect(await ask('some', 0)).toEqual(left);
      expect((await ask('new')).allowed).toBe(true);
      time += over.retryAfter;
      expect((await ask('spent')).allowed).toBe(true);
    },
  );
});
