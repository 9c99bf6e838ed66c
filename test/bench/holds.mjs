// node test/bench/holds.mjs [DIST]: what a hold and its settlement cost together, beside a plain decision.
//
// One process measures both in turns on one Redis, in every round in the other order, and prints the medians over all
// rounds: microseconds for one and for the other, how many times as long a hold takes with its settlement, and the same
// of the CPU time of Redis.
//
//   --rounds 12      how often each is measured
//   --seconds 0.7    how long, each time
//   --in-flight 64   requests at once
//   --settle less    less: half of the estimate. same: what was estimated. more: twice that
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { cell, measure } from './measuring/cell.mjs';
import { pinRedis, pinThisProcess } from './measuring/cores.mjs';
import { callers } from './measuring/keys.mjs';
import { Server } from './measuring/server.mjs';
import { median } from './measuring/statistics.mjs';
import { openBenchRedis } from './redis.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '0.7' },
    'in-flight': { type: 'string', default: '64' },
    settle: { type: 'string', default: 'less' },
  },
});
const [dist = fileURLToPath(new URL('../../libs/rate-limit/dist', import.meta.url))] = positionals;
const ESTIMATE = 10;
const used = { less: ESTIMATE / 2, same: ESTIMATE, more: 2 * ESTIMATE }[values.settle];
if (used === undefined) throw new Error(`--settle is less, same or more, not "${values.settle}"`);

const { definePolicy, RedisStore } = await import(pathToFileURL(resolve(dist, 'esm/engine.js')));
const redis = await openBenchRedis();
const server = new Server(redis.url);
const client = new Redis(redis.url);
try {
  if (pinRedis(await server.pid())) pinThisProcess();
  const store = new RedisStore(client, { timeout: 10_000 });
  for (const algorithm of ['fixed-window', 'sliding-window', 'token-bucket', 'sliding-log', 'concurrency']) {
    await server.empty();
    await compare(algorithm, store);
  }
} finally {
  client.disconnect();
  server.close();
  await redis.close();
}

async function compare(algorithm, store) {
  const isSlot = algorithm === 'concurrency';
  const limit = algorithm === 'sliding-log' ? 100_000 : 100_000_000;
  const plain = definePolicy({ name: 'plain', limit: 100_000_000, window: '1h' });
  const held = isSlot
    ? definePolicy({ name: 'slots', algorithm, limit: 1_000 })
    : definePolicy({ name: 'held', algorithm, limit, window: algorithm === 'sliding-log' ? '1s' : '1h' });
  const beside = isSlot ? plain : definePolicy({ name: 'beside', algorithm, limit, window: held.window });
  const cost = isSlot ? 1 : ESTIMATE;
  let n = 0;
  const sides = {
    plain: async (key) => (await store.consume([{ policy: beside, key, cost: 1 }]))[0].allowed,
    held: async (key) => {
      const id = `b${(n++).toString(36)}`;
      const [{ allowed }] = await store.consume([{ policy: held, key, cost, hold: { id, ttl: held.lease } }]);
      return allowed && (await store.settle({ policy: held, key, id }, isSlot ? 0 : used));
    },
  };
  const load = (name) => ({ decide: sides[name], keys: callers(1_000), inFlight: Number(values['in-flight']) });
  const once = (name, seconds) => measure(server, () => cell(load(name), { seconds }));
  for (const name of ['plain', 'held', 'plain', 'held']) await once(name, 0.4);
  const figures = { plain: [], held: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of round % 2 === 0 ? ['plain', 'held'] : ['held', 'plain']) {
      figures[name].push(await once(name, Number(values.seconds)));
    }
  }
  const micros = (name) => median(figures[name].map(({ perSecond }) => 1e6 / perSecond));
  const ratio = (of) => median(figures.held.map((one, i) => of(one) / of(figures.plain[i]))).toFixed(2);
  console.log(
    `${algorithm.padEnd(15)} plain ${micros('plain').toFixed(1)} us, hold and settlement ${micros('held').toFixed(1)} us: ` +
      `${ratio(({ perSecond }) => 1 / perSecond)} times the time, ${ratio(({ redisCpu }) => redisCpu)} times Redis' CPU`,
  );
}
