import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterUnion } from 'rate-limiter-flexible';

/** One limiter, or a union of several, which asks all at once. Its script is sent once and then named by its hash. */
async function flexible({ url, limit, windows, enableAutoPipelining = false, more = {} }) {
  const storeClient = new Redis(url, { enableAutoPipelining });
  const limiters = windows.map(
    (window, i) =>
      new RateLimiterRedis({ storeClient, points: limit, duration: window / 1_000, keyPrefix: `rlflx${i}`, ...more }),
  );
  const limiter = limiters.length === 1 ? limiters[0] : new RateLimiterUnion(...limiters);
  return {
    decide: async (key) => {
      try {
        await limiter.consume(key);
        return true;
      } catch (denial) {
        // A denial is an object of its own, of a union one for each limiter; everything else went wrong.
        if (denial instanceof Error) throw denial;
        return false;
      }
    },
    close: () => storeClient.disconnect(),
  };
}

export const rateLimiterFlexible = {
  id: 'flexible',
  label: 'rate-limiter-flexible',
  kind: 'peer',
  open: flexible,
};

export const rateLimiterFlexiblePipelined = {
  id: 'flexible-pipelined',
  label: 'rate-limiter-flexible, auto-pipelined',
  kind: 'tuned',
  open: (setup) => flexible({ ...setup, enableAutoPipelining: true }),
};

/** Its own memory of denied keys, which is off unless asked for. */
export const rateLimiterFlexibleBlocking = {
  id: 'flexible-blocking',
  label: 'rate-limiter-flexible, inMemoryBlockOnConsumed',
  kind: 'tuned',
  open: (setup) => flexible({ ...setup, more: { inMemoryBlockOnConsumed: setup.limit + 1 } }),
};
