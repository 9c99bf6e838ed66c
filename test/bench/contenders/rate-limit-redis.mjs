import { Redis } from 'ioredis';
import { RedisStore } from 'rate-limit-redis';

/** express-rate-limit's store, without Express: several limits are several middlewares, one after another. */
async function expressStore({ url, limit, windows, enableAutoPipelining = false }) {
  const client = new Redis(url, { enableAutoPipelining });
  const stores = windows.map(
    (_, i) => new RedisStore({ sendCommand: (...command) => client.call(...command), prefix: `rl${i}:` }),
  );
  await Promise.all(stores.map((store, i) => store.init({ windowMs: windows[i] })));
  return {
    decide: async (key) => {
      for (const store of stores) {
        const { totalHits } = await store.increment(key);
        if (totalHits > limit) return false;
      }
      return true;
    },
    close: () => client.disconnect(),
  };
}

export const rateLimitRedis = {
  id: 'rate-limit-redis',
  label: 'express-rate-limit + rate-limit-redis',
  kind: 'peer',
  open: expressStore,
};

export const rateLimitRedisPipelined = {
  id: 'rate-limit-redis-pipelined',
  label: 'express-rate-limit + rate-limit-redis, auto-pipelined',
  kind: 'tuned',
  open: (setup) => expressStore({ ...setup, enableAutoPipelining: true }),
};
