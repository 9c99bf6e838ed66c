import { incrOneByOne, incrPipelined } from './contenders/floor.mjs';
import * as memory from './contenders/memory.mjs';
import { throttler } from './contenders/nest-lab.mjs';
import { fixedWindow, gcra, slidingLog, slidingWindow, tokenBucket } from './contenders/ours.mjs';
import { rateLimitRedis, rateLimitRedisPipelined } from './contenders/rate-limit-redis.mjs';
import { rateLimiterFlexible, rateLimiterFlexibleBlocking } from './contenders/rate-limiter-flexible.mjs';

const peers = [throttler, rateLimiterFlexible, rateLimitRedis];

const HOUR = 3_600_000;
const MANY = 10_000;
/** What an API may well grant a caller in an hour. With 10,000 callers it is never reached while this measures. */
const LIMIT = 5_000;
/** Never reached by a single caller either. Times an hour in milliseconds it is still a whole number. */
const NO_LIMIT = 1_000_000_000;

/** A contender under another name, in a situation that differs in something from its row's. */
const varied = (contender, { id = contender.id, label, ...situation }) => ({
  ...contender,
  ...{ id, opens: contender.id, situation },
  label: `${contender.label}${label}`,
});

/** With a window of an hour a log would grow throughout the run. Its growth is measured separately. */
const logOfASecond = varied(slidingLog, { label: ' of 1 s', windows: [1_000] });
const logOfAnHour = varied(slidingLog, { id: 'sliding-log-hour', label: ' of 1 h' });

/** From 8,192 on a limit needs more room than the smallest counter has. */
const limits = [
  varied(fixedWindow, { label: ', limit of 5,000' }),
  varied(fixedWindow, { id: 'limit-10000', label: ', limit of 10,000', limit: 10_000 }),
  varied(fixedWindow, { id: 'limit-1000000', label: ', limit of 1,000,000', limit: 1_000_000 }),
];

/**
 * The situations that are compared, and who takes part. Windows are of an hour: nothing expires while it is measured.
 * With several limits the windows differ, and the key is the same. `name` is for tables, where the title is too long.
 */
export const rows = [
  {
    ...{ id: 'one-policy', name: '64 in flight', title: 'One policy, 64 in flight, 10,000 keys, admitted' },
    ...{ inFlight: 64, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: [
      ...[incrOneByOne, incrPipelined, ...peers, rateLimitRedisPipelined],
      ...[fixedWindow, slidingWindow, logOfASecond, tokenBucket, gcra],
    ],
  },
  {
    ...{ id: 'three-policies', name: '3 policies', title: 'Three policies, 64 in flight, 10,000 keys, admitted' },
    ...{ inFlight: 64, keys: MANY, limit: LIMIT, windows: [HOUR, 2 * HOUR, 3 * HOUR] },
    contenders: [...peers, rateLimitRedisPipelined, fixedWindow],
  },
  {
    ...{ id: 'one-in-flight', name: '1 in flight', title: 'One policy, 1 in flight, 10,000 keys, admitted' },
    ...{ inFlight: 1, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: [incrOneByOne, ...peers, fixedWindow, gcra],
  },
  {
    ...{ id: 'sixteen-in-flight', name: '16 in flight', title: 'One policy, 16 in flight, 10,000 keys, admitted' },
    ...{ inFlight: 16, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: [...peers, fixedWindow, gcra],
  },
  {
    ...{ id: 'many-in-flight', name: '256 in flight', title: 'One policy, 256 in flight, 10,000 keys, admitted' },
    ...{ inFlight: 256, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: [...peers, fixedWindow, gcra],
  },
  {
    ...{ id: 'limits-64', name: 'large limits, 64 in flight', title: 'Large limits: 64 in flight, 10,000 keys' },
    ...{ inFlight: 64, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: limits,
  },
  {
    ...{ id: 'limits-256', name: 'large limits, 256 in flight', title: 'Large limits: 256 in flight, 10,000 keys' },
    ...{ inFlight: 256, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: limits,
  },
  {
    ...{ id: 'hot-key', name: 'one hot key', title: 'One policy, 64 in flight, one hot key, admitted' },
    ...{ inFlight: 64, keys: 1, limit: NO_LIMIT, windows: [HOUR] },
    contenders: [...peers, fixedWindow],
  },
  {
    ...{ id: 'denied-hot-key', name: 'denied, one key', title: 'One policy, 64 in flight, one hot key, denied' },
    ...{ inFlight: 64, keys: 1, limit: 1, windows: [HOUR], denied: true },
    contenders: [...peers, rateLimiterFlexibleBlocking, fixedWindow],
  },
  {
    ...{ id: 'denied-many-keys', name: 'denied, 10,000 keys', title: 'One policy, 64 in flight, 10,000 keys, denied' },
    ...{ inFlight: 64, keys: MANY, limit: 1, windows: [HOUR], denied: true },
    contenders: [...peers, rateLimiterFlexibleBlocking, fixedWindow],
  },
  {
    ...{ id: 'memory', name: 'memory store', title: 'Memory stores: one policy, 1 in flight, 10,000 keys, admitted' },
    ...{ inFlight: 1, keys: MANY, limit: LIMIT, windows: [HOUR] },
    // Half a second is as many decisions as three of any Redis. A log of an hour keeps all of them. A reading of the
    // clock costs a tenth of what it would time here, so few are timed.
    ...{ withoutRedis: true, seconds: 0.5, every: 31 },
    contenders: [
      ...[memory.known, memory.throttler, memory.rateLimiterFlexible, memory.expressRateLimit],
      ...[fixedWindow, slidingWindow, logOfASecond, logOfAnHour, tokenBucket, gcra],
    ],
  },
];
