import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterUnion } from 'rate-limiter-flexible';

/** One limiter, or a union of several, which asks all at once. Its script is sent once and then named by its hash. */
async function flexible({ url, limit, windows, more = {} }) {
  const storeClient = new Redis(url);
  const limiters = windows.map(
    (window, i) =>
      new RateLimiterRedis({ storeClient, points: limit, duration: window / 1_000, keyPrefix: `rlflx${i}`, ...more }),
  );
  const limiter = limiters.length === 1 ? limiters[0] : new RateLimiterUnion(...limiters);
  return {
    decide: (key) => limiter.consume(key).then(admitted, denied),
    close: () => storeClient.disconnect(),
  };
}

const admitted = () => true;

/** A denial is an object of its own, of a union one for each limiter; everything else went wrong. */
function denied(reason) {
  if (reason instanceof Error) throw reason;
  return false;
}

export const rateLimiterFlexible = {
  id: 'flexible',
  label: 'rate-limiter-flexible',
  kind: 'peer',
  open: flexible,
};

/** Its own memory of denied keys, which is off unless asked for. */
export const rateLimiterFlexibleBlocking = {
  id: 'flexible-blocking',
  label: 'rate-limiter-flexible, inMemoryBlockOnConsumed',
  kind: 'tuned',
  open: (setup) => flexible({ ...setup, more: { inMemoryBlockOnConsumed: setup.limit + 1 } }),
};
