import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { definePolicy, RATE_LIMIT_STORE, RateLimitModule } from 'nestjs-redis-rate-limit';

/**
 * The store as an application has it: everything that the module puts around it is on the way.
 *
 * @param url of Redis; without it quota is kept in this process
 */
export async function openStore(url) {
  const options = url === undefined ? {} : { redis: url };
  const application = { module: class Application {}, imports: [RateLimitModule.forRoot(options)] };
  const context = await NestFactory.createApplicationContext(application, { logger: ['warn', 'error'] });
  return { store: context.get(RATE_LIMIT_STORE), close: () => context.close() };
}

/**
 * One policy for each window. Where quota comes back bit by bit, all of the limit may be spent at once, and it comes
 * back slowly: a bucket that is full again before the next hit has nothing to keep.
 */
export function policiesFor({ algorithm = 'fixed-window', limit, windows }) {
  const trickles = algorithm === 'gcra' || algorithm === 'token-bucket';
  const quota = trickles ? { limit: Math.min(limit, 3_600), burst: limit } : { limit };
  return windows.map((window, i) =>
    definePolicy({ name: windows.length === 1 ? 'default' : `limit-${i}`, algorithm, window, ...quota }),
  );
}

/** Asks as the guard does: a hit for each policy, all in one call. */
export const deciding = (store, policies) => (key) => {
  const answer = store.consume(policies.map((policy) => ({ policy, key, cost: 1 })));
  // A store that knows its answer at once may give it without a promise.
  return typeof answer.then === 'function' ? answer.then(admittedBy) : admittedBy(answer);
};

/** Whether all of them passed; `undefined` when Redis gave no answer in time. */
function admittedBy(decisions) {
  let all = true;
  for (const { allowed, by } of decisions) {
    if (by !== 'store' && by !== 'remembered') return undefined;
    if (!allowed) all = false;
  }
  return all;
}

const ours = (algorithm) => ({
  id: algorithm,
  label: `nestjs-redis-rate-limit, ${algorithm}`,
  kind: 'ours',
  open: async ({ url, limit, windows }) => {
    const { store, close } = await openStore(url);
    return { decide: deciding(store, policiesFor({ algorithm, limit, windows })), close };
  },
});

export const fixedWindow = ours('fixed-window');
export const slidingWindow = ours('sliding-window');
export const slidingLog = ours('sliding-log');
export const tokenBucket = ours('token-bucket');
export const gcra = ours('gcra');
