/**
 * By how much the heap grows over many holds that are settled, released, extended, denied or left to themselves.
 *
 * node --expose-gc holds-heap.mjs URL: sends the growth in bytes, and must then end by itself.
 */
import { createLimiter } from 'nestjs-redis-rate-limit/engine';

const url = process.argv[2];
const policies = {
  tokens: { limit: 1_000_000_000, window: '1h' },
  slots: { algorithm: 'concurrency', limit: 100, lease: '1s' },
};
const logger = { log() {}, warn() {}, error() {} };

/** @param count how many, 100 at a time */
async function use(limiter, count) {
  for (let i = 0; i < count; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => one(limiter, n)));
  }
}

async function one(limiter, n) {
  const spendings = [{ policy: 'tokens', key: `k${n % 7}`, cost: 5 }];
  if (n % 2 === 0) spendings.push({ policy: 'slots', key: 'all' });
  const hold = await limiter.reserve(spendings, { ttl: '1s' });
  if (n % 3 === 0) hold.signal.aborted;
  if (n % 10 === 0) await hold.extend();
  if (n % 10 === 1) await hold[Symbol.asyncDispose]();
  else if (n % 10 === 2) await hold.release();
  // Now and then nobody settles one.
  else if (n !== 99) await hold.settle({ tokens: n });
}

function heap() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

async function growth(options, count) {
  const limiter = await createLimiter({ policies, logger, ...options });
  await use(limiter, count / 4);
  // Until holds that nobody settled have ended.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const before = heap();
  await use(limiter, count);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const grown = heap() - before;
  await limiter.close();
  return grown;
}

const memory = await growth({}, 60_000);
const redis = await growth({ redis: url, timeout: 10_000 }, 20_000);
// Nobody listens there, so each process decides by itself.
const local = await growth({ redis: 'redis://127.0.0.1:1' }, 20_000);
process.send({ memory, redis, local }, () => process.disconnect());
