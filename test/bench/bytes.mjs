import { Redis } from 'ioredis';
import { throttler } from './contenders/nest-lab.mjs';
import { fixedWindow, gcra, slidingLog, slidingWindow, tokenBucket } from './contenders/ours.mjs';
import { rateLimitRedis } from './contenders/rate-limit-redis.mjs';
import { rateLimiterFlexible } from './contenders/rate-limiter-flexible.mjs';
import { rounded } from './measuring/statistics.mjs';

const CALLERS = 1_000;
/** How long every stored key is, prefix and all: a caller's text is as much shorter as the library's own is longer. */
const KEY_LENGTH = 48;
const HOUR = 3_600_000;

const contenders = [throttler, rateLimiterFlexible, rateLimitRedis];
const algorithms = [fixedWindow, slidingWindow, slidingLog, tokenBucket, gcra];

/** What is kept of a caller, by MEMORY USAGE: after two hits that passed, and after one that did and one that did not. */
export const bytes = [
  {
    id: 'bytes',
    name: 'bytes in Redis',
    title: `Bytes per caller, stored keys of ${KEY_LENGTH} characters, admitted`,
    limit: 1_000_000_000,
    contenders: [...contenders, ...algorithms],
  },
  {
    id: 'bytes-denied',
    name: 'bytes in Redis, denied',
    title: `Bytes per caller, stored keys of ${KEY_LENGTH} characters, denied`,
    limit: 1,
    contenders: [...contenders, ...algorithms],
  },
];

export async function weigh(row, { url, server, progress }) {
  const { id, name, title, limit } = row;
  progress.step(id);
  await server.empty();
  const weighed = [];
  for (const [i, contender] of row.contenders.entries()) {
    const own = `${url}/${i}`;
    const client = new Redis(own);
    const { decide, close } = await contender.open({ url: own, limit, windows: [HOUR] });
    try {
      const { id, label, kind } = contender;
      weighed.push({ id, label, kind, bytes: { median: rounded(await bytesPerCaller(client, decide)) } });
    } finally {
      await close();
      client.disconnect();
    }
  }
  return { id, name, title, contenders: weighed };
}

async function bytesPerCaller(client, decide) {
  await decide('x');
  const stored = await client.keys('*');
  const length = KEY_LENGTH - (Math.min(...stored.map((key) => key.length)) - 1);
  if (length < 8) throw new Error(`keys of ${KEY_LENGTH} characters leave ${length} for the caller`);
  await client.flushdb();

  for (let i = 0; i < CALLERS; i++) {
    const caller = `u${String(i).padStart(length - 1, '0')}`;
    await decide(caller);
    await decide(caller);
  }
  const keys = await client.keys('*');
  const pipeline = client.pipeline();
  for (const key of keys) pipeline.memory('USAGE', key);
  const answers = await pipeline.exec();
  return answers.reduce((sum, [, bytes]) => sum + bytes, 0) / CALLERS;
}
