import { incrOneByOne, incrPipelined } from './contenders/floor.mjs';
import { throttler, throttlerPipelined } from './contenders/nest-lab.mjs';
import { fixedWindow, gcra, slidingLog, slidingWindow, tokenBucket } from './contenders/ours.mjs';
import { rateLimitRedis, rateLimitRedisPipelined } from './contenders/rate-limit-redis.mjs';
import {
  rateLimiterFlexible,
  rateLimiterFlexibleBlocking,
  rateLimiterFlexiblePipelined,
} from './contenders/rate-limiter-flexible.mjs';

const peers = [throttler, rateLimiterFlexible, rateLimitRedis];
const pipelined = [throttlerPipelined, rateLimiterFlexiblePipelined, rateLimitRedisPipelined];

const HOUR = 3_600_000;
const MANY = 10_000;
/** What an API may well grant a caller in an hour. With as many callers it is never reached while this measures. */
const LIMIT = 5_000;
/** Never reached by a single caller either. Times an hour in milliseconds it is still a whole number. */
const NO_LIMIT = 1_000_000_000;

/** Of an hour a log would grow all the while. How it grows is a measurement of its own. */
const ofASecond = (contender) => ({
  ...contender,
  label: `${contender.label} of 1 s`,
  open: (setup) => contender.open({ ...setup, windows: [1_000] }),
});

/**
 * The situations that are compared, and who takes part. Windows are of an hour: nothing expires while it is measured.
 * With several limits the windows differ, and the key is the same.
 */
export const rows = [
  {
    id: 'one-policy',
    title: 'One policy, 64 in flight, 10,000 keys, admitted',
    ...{ inFlight: 64, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: [
      ...[incrOneByOne, incrPipelined, ...peers, ...pipelined],
      ...[fixedWindow, slidingWindow, ofASecond(slidingLog), tokenBucket, gcra],
    ],
  },
  {
    id: 'three-policies',
    title: 'Three policies, 64 in flight, 10,000 keys, admitted',
    ...{ inFlight: 64, keys: MANY, limit: LIMIT, windows: [HOUR, 2 * HOUR, 3 * HOUR] },
    contenders: [...peers, ...pipelined, fixedWindow],
  },
  {
    id: 'one-in-flight',
    title: 'One policy, 1 in flight, 10,000 keys, admitted',
    ...{ inFlight: 1, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: [incrOneByOne, ...peers, fixedWindow, gcra],
  },
  {
    id: 'many-in-flight',
    title: 'One policy, 256 in flight, 10,000 keys, admitted',
    ...{ inFlight: 256, keys: MANY, limit: LIMIT, windows: [HOUR] },
    contenders: [incrPipelined, ...peers, fixedWindow, gcra],
  },
  {
    id: 'hot-key',
    title: 'One policy, 64 in flight, one hot key, admitted',
    ...{ inFlight: 64, keys: 1, limit: NO_LIMIT, windows: [HOUR] },
    contenders: [incrPipelined, ...peers, fixedWindow],
  },
  {
    id: 'denied-hot-key',
    title: 'One policy, 64 in flight, one hot key, denied',
    ...{ inFlight: 64, keys: 1, limit: 1, windows: [HOUR], denied: true },
    contenders: [...peers, rateLimiterFlexibleBlocking, fixedWindow, gcra],
  },
  {
    id: 'denied-many-keys',
    title: 'One policy, 64 in flight, 10,000 keys, denied',
    ...{ inFlight: 64, keys: MANY, limit: 1, windows: [HOUR], denied: true },
    contenders: [...peers, rateLimiterFlexibleBlocking, fixedWindow],
  },
];
