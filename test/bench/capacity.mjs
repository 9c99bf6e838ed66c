// node test/bench/capacity.mjs: the figures of docs/capacity.md that no test holds: what its example takes of
// memory and CPU, and how many dead keys lie about. On every server at hand; takes about four minutes. Build first.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { definePolicy, RedisStore } from 'nestjs-redis-rate-limit';
import { launch } from '../support/redis/launch.mjs';
import { openRun } from '../support/redis/run.mjs';

delete process.env.REDIS_URL;
const run = await openRun();
try {
  for (const kind of run.kinds) console.log(await example(kind));
  const servers = run.kinds.flatMap((kind) => [1, 10].map((effort) => deadKeys(kind, effort)));
  for (const line of await Promise.all(servers)) console.log(line);
} finally {
  await run.close();
}

/** A million users, 20 instances, 5,000 requests per second under two policies. */
async function example(kind) {
  const [users, instances, perSecond, seconds] = [1_000_000, 20, 5_000, 15];
  const daily = definePolicy({ name: 'daily', limit: 10_000, window: '1d' });
  const burst = definePolicy({ name: 'burst', limit: 20, window: '1s', algorithm: 'token-bucket' });
  const keyOf = (user) => `user:${String(user).padStart(8, '0')}`;

  const server = await launch(kind, { runDir: run.dir });
  const admin = new Redis(server.url);
  const clients = Array.from({ length: instances }, () => new Redis(server.url));
  const stores = clients.map((client) => new RedisStore(client, { timeout: 60_000 }));
  try {
    const empty = await memory(admin);
    for (let first = 0; first < users; first += 1_000) {
      const charge = (_, i) => stores[i % 4].consume([{ policy: daily, key: keyOf(first + i), cost: 1 }]);
      await Promise.all(Array.from({ length: 1_000 }, charge));
    }
    const { used, resident } = await memory(admin);

    const before = await work(admin);
    const began = performance.now();
    const asked = [];
    while (asked.length < seconds * perSecond) {
      const due = Math.min(seconds * perSecond, ((performance.now() - began) / 1_000) * perSecond);
      while (asked.length < due) {
        const key = keyOf(Math.floor(Math.random() * users));
        const hits = [burst, daily].map((policy) => ({ policy, key, cost: 1 }));
        asked.push(stores[Math.floor(Math.random() * instances)].consume(hits));
      }
      await sleep(1);
    }
    await Promise.all(asked);
    const spent = (performance.now() - began) / 1_000;
    const after = await work(admin);
    return [
      `${kind.label}: a million keys ${mb(used - empty.used)}, resident ${mb(resident)}`,
      `${((after.cpu - before.cpu) / spent).toFixed(2)} of a core for ${Math.round(asked.length / spent)} requests/s`,
      `${((after.scripts - before.scripts) / asked.length).toFixed(2)} commands per request`,
    ].join('; ');
  } finally {
    for (const client of [admin, ...clients]) client.disconnect();
    await server.stop();
  }
}

/** 200,000 keys of a day, and 5,000 new ones of a second each second. */
async function deadKeys(kind, effort) {
  const [lasting, perSecond, seconds] = [200_000, 5_000, 80];
  const server = await launch(kind, { runDir: run.dir, args: ['--active-expire-effort', effort] });
  const client = new Redis(server.url);
  try {
    const set = async (from, to, name, life) => {
      const pipeline = client.pipeline();
      for (let i = from; i < to; i++) pipeline.set(`${name}:${i}`, 1, 'PX', life);
      await pipeline.exec();
    };
    for (let first = 0; first < lasting; first += 2_000) await set(first, first + 2_000, 'day', 86_400_000);
    const seen = [];
    const before = await work(client);
    const began = performance.now();
    for (let made = 0, now = 0; now < seconds; now = (performance.now() - began) / 1_000) {
      const due = Math.floor(now * perSecond);
      await set(made, due, 'second', 1_000);
      made = due;
      // What lives among them is at most what came in the last second.
      if (now > 10 + 2 * seen.length) seen.push((await client.dbsize()) - lasting - perSecond);
      await sleep(20);
    }
    const cores = ((await work(client)).cpu - before.cpu) / seconds;
    const range = `${Math.min(...seen)} to ${Math.max(...seen)} dead keys`;
    return `${kind.label}, active-expire-effort ${effort}: ${range}, ${cores.toFixed(3)} of a core`;
  } finally {
    client.disconnect();
    await server.stop();
  }
}

function mb(bytes) {
  return `${Math.round(bytes / 1e6)} MB`;
}

async function memory(client) {
  const info = await client.info('memory');
  const used = numberIn(info, 'used_memory') - numberIn(info, 'mem_clients_normal');
  return { used, resident: numberIn(info, 'used_memory_rss') };
}

async function work(client) {
  const info = await client.info('all');
  const scripts = Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(info)?.[1] ?? 0);
  return { cpu: numberIn(info, 'used_cpu_user') + numberIn(info, 'used_cpu_sys'), scripts };
}

function numberIn(info, field) {
  return Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)[1]);
}
