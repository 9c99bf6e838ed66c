import { Redis } from 'ioredis';
import { RedisStore } from 'rate-limit-redis';

/** express-rate-limit's store, without Express: several limits are several middlewares, one after another. */
async function expressStore({ url, limit, windows, enableAutoPipelining = false }) {
  const client = new Redis(url, { enableAutoPipelining });
  const stores = windows.map(
    (_, i) => new RedisStore({ sendCommand: (...command) => client.call(...command), prefix: `rl${i}:` }),
  );
  await Promise.all(stores.map((store, i) => store.init({ windowMs: windows[i] })));
  const [only] = stores;
  const decideOne = (key) => only.increment(key).then(({ totalHits }) => totalHits <= limit);
  const decideAll = async (key) => {
    for (const store of stores) if ((await store.increment(key)).totalHits > limit) return false;
    return true;
  };
  return {
    decide: stores.length === 1 ? decideOne : decideAll,
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
