import { setImmediate as turn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { deciding, openStore, policiesFor } from '../contenders/ours.mjs';
import { callers } from '../measuring/keys.mjs';
import { difference } from '../measuring/server.mjs';
import { quantile } from '../measuring/statistics.mjs';

const KEYS = 16;
/** A little more than the millisecond that a log tells apart: a full log then denies next to nothing. */
const BEAT = 1.02;

/**
 * Logs that are full and stay so: a window of as many milliseconds as the limit, and a hit on every key each
 * millisecond, so that with every entry that comes one goes. How many decisions that makes is given by the clock.
 */
export const logs = {
  id: 'growth-sliding-log',
  title: `Sliding log, full: ${KEYS} keys, each hit once per millisecond`,
  x: 'limit',
  async open({ url, server, quick }) {
    const opened = [];
    for (const [i, limit] of (quick ? [10, 100, 1_000] : [10, 100, 1_000, 10_000]).entries()) {
      const own = `${url}/${i}`;
      const { store, close } = await openStore(own);
      const decide = deciding(store, policiesFor({ algorithm: 'sliding-log', limit, windows: [limit] }));
      const client = new Redis(own);
      opened.push({
        x: limit,
        measure: ({ seconds }) => measured({ server, client, decide, limit, seconds }),
        close: async () => {
          client.disconnect();
          await close();
        },
      });
    }
    return opened;
  },
};

async function measured({ server, client, decide, limit, seconds }) {
  const keys = callers(KEYS);
  // What the last round left has expired; it is filled anew.
  await beats(decide, keys, limit / 1_000);
  await server.timeScripts();
  const before = await server.read();
  const { done, latencies } = await beats(decide, keys, seconds);
  const redis = difference(before, await server.read());
  const { entries, bytes } = await kept(client);
  return { redisCpu: redis.microseconds / done, p50: quantile(latencies, 0.5), entries, bytes };
}

async function beats(decide, keys, seconds) {
  const latencies = [];
  const until = performance.now() + 1_000 * seconds;
  let done = 0;
  for (let began = performance.now(); began < until; began = performance.now()) {
    await Promise.all(keys.map(decide));
    latencies.push(performance.now() - began);
    done += keys.length;
    while (performance.now() - began < BEAT) await turn();
  }
  return { done, latencies };
}

/** A log's head, and one of its entries. */
const [HEAD_SIZE, ENTRY_SIZE] = [32, 8];

/** What one log holds, those that have left the window included, and its size in memory. */
async function kept(client) {
  const [key] = await client.keys('*');
  if (key === undefined) return { entries: 0, bytes: 0 };
  const [size, bytes] = await Promise.all([client.strlen(key), client.memory('USAGE', key)]);
  return { entries: (size - HEAD_SIZE) / ENTRY_SIZE, bytes };
}
