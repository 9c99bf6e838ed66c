// node test/bench/records.mjs: one key per policy, against one record that holds all policies of a caller.
//
// Each way judges fixed windows in batches of up to 64 hits, as the store does, and takes turns with the others on a
// Redis of the benchmark's own. Prints Redis CPU and commands per request, and bytes per caller.
import { readFileSync } from 'node:fs';
import { prepareBench } from './setup.mjs';

await prepareBench();
const { Redis } = await import('ioredis');
const { openBenchRedis } = await import('./redis.mjs');
const { callers } = await import('./measuring/keys.mjs');
const { Server, difference } = await import('./measuring/server.mjs');
const { median } = await import('./measuring/statistics.mjs');
const { textTable } = await import('./report/text.mjs');

const ROUNDS = 21;
const BATCHES = 100;
const HITS = 64;
const CALLERS = 10_000;
const LIMIT = 5_000;
const WINDOW = 3_600_000;

const lua = (name) => readFileSync(new URL(`records/${name}.lua`, import.meta.url), 'utf8');
const script = (name, before = '') => `${lua('top')}\n${before}${lua(name)}`;
const perPolicy = (caller, policies) =>
  Array.from({ length: policies }, (_, n) => `rl:{${caller}}:policy-${n}:fw${WINDOW}`);
const perCaller = (caller) => [`rl:{${caller}}`];

const ways = [
  { name: 'a key per policy', text: script('key-per-policy'), keys: perPolicy },
  { name: 'a packed string per caller', text: script('packed-string'), keys: perCaller },
  { name: 'a hash per caller', text: script('hash', 'local field_expiry = false\n'), keys: perCaller },
  { name: 'a hash, fields expire', text: script('hash', 'local field_expiry = true\n'), keys: perCaller, fields: true },
];

const redis = await openBenchRedis();
const server = new Server(redis.url);
const names = callers(CALLERS);
const table = [['', 'Redis CPU µs', 'to a key per policy', 'commands', 'bytes per caller']];
try {
  for (const policies of [1, 3, 5]) table.push(...(await compared(policies)));
  console.log(textTable(table));
} finally {
  server.close();
  await redis.close();
}

async function compared(policies) {
  await server.empty();
  const contenders = [];
  for (const [i, way] of ways.entries()) {
    const client = new Redis(`${redis.url}/${i}`);
    if (way.fields && (await client.call('COMMAND', 'INFO', 'HPEXPIRE'))[0] === null) {
      client.disconnect();
      continue;
    }
    const sha = await client.script('LOAD', way.text);
    const settings = [policies, ...Array.from({ length: policies }, () => [LIMIT, WINDOW]).flat()];
    const ask = (batch) => {
      const keys = batch.flatMap((caller) => way.keys(caller, policies));
      return client.evalshaBuffer(sha, keys.length, ...keys, ...settings);
    };
    contenders.push({ ...way, client, ask, rounds: [] });
    await all(ask, CALLERS / perBatch(policies), policies);
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { ask, rounds } of contenders) {
      const before = await server.read();
      await all(ask, BATCHES, policies);
      const { microseconds, executed, sent } = difference(before, await server.read());
      const requests = BATCHES * perBatch(policies);
      rounds.push({ cpu: microseconds / requests, commands: (executed - sent) / requests });
    }
  }
  const lines = [];
  for (const { name, client, rounds } of contenders) {
    const ratios = rounds.map(({ cpu }, round) => cpu / contenders[0].rounds[round].cpu);
    lines.push([
      `${policies} ${policies === 1 ? 'policy' : 'policies'}, ${name}`,
      median(rounds.map(({ cpu }) => cpu)).toFixed(2),
      `${median(ratios).toFixed(2)}×`,
      median(rounds.map(({ commands }) => commands)).toFixed(2),
      ((await bytes(client)) / CALLERS).toFixed(0),
    ]);
    client.disconnect();
  }
  return lines;
}

function perBatch(policies) {
  return Math.floor(HITS / policies);
}

/** Two batches are under way at once, as in the store; callers follow one another in no order that memory likes. */
async function all(ask, batches, policies) {
  let left = Math.ceil(batches);
  let at = 0;
  const size = perBatch(policies);
  const lane = async () => {
    while (left-- > 0) {
      const batch = Array.from({ length: size }, () => names[(at = (at + 7_919) % CALLERS)]);
      await ask(batch);
    }
  };
  await Promise.all([lane(), lane()]);
}

async function bytes(client) {
  const keys = await client.keys('*');
  const pipeline = client.pipeline();
  for (const key of keys) pipeline.memory('USAGE', key, 'SAMPLES', '0');
  return (await pipeline.exec()).reduce((sum, [, size]) => sum + size, 0);
}
