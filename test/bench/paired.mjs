// node test/bench/paired.mjs OLD_DIST NEW_DIST: is a change of the Redis store faster or slower than what it replaces?
//
// Both arguments are built packages (libs/rate-limit/dist of two checkouts, each made by scripts/build-library.mjs). One
// process loads both and measures them in turn on one Redis, in every round in the other order, so that what slows the
// machine slows both. For each situation it prints the median of new / old over all rounds, with its 95 % interval by
// bootstrap: decisions per second (above 1 is better), and the CPU time per decision of this process and of Redis (below
// 1 is better).
//
// On a machine that does other work compare a build with a copy of itself first, and swap the arguments: what such a run
// shows of a difference is the error.
//
//   --rounds 20      how often each situation is measured
//   --seconds 1      how long, each time
//   --only lone,plain,three,lone-three,block,lone-block,mixed,each4,each16,each64,lone-each
//   --windows 1d,1d  the windows of the old and the new side, so that a build can be compared with itself: 1d,day
//   --limit 1000000000   of each policy. Up to a million fixed windows are counters, above it they are records
//   --json FILE      also writes every figure of every round
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { cell, measure } from './measuring/cell.mjs';
import { pinRedis, pinThisProcess } from './measuring/cores.mjs';
import { callers } from './measuring/keys.mjs';
import { Server } from './measuring/server.mjs';
import { median, quantile } from './measuring/statistics.mjs';
import { openBenchRedis } from './redis.mjs';

const CALLERS = 1_000;

/**
 * Name, requests in flight, and the policies and costs of request number `n`. `each`: how many callers there are, each with
 * its own definition, as when every customer has a limit.
 */
const SITUATIONS = {
  lone: { inFlight: 1, policies: [{ name: 'a' }] },
  plain: { inFlight: 64, policies: [{ name: 'a' }] },
  'lone-three': { inFlight: 1, policies: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
  three: { inFlight: 21, policies: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
  'lone-block': { inFlight: 1, policies: [{ name: 'a', blockFor: '1m' }] },
  block: { inFlight: 32, policies: [{ name: 'a', blockFor: '1m' }] },
  'lone-each': { inFlight: 1, each: 1_000, policies: [{ name: 'a' }] },
  each4: { inFlight: 8, each: 1_000, policies: [{ name: 'a' }] },
  each16: { inFlight: 32, each: 1_000, policies: [{ name: 'a' }] },
  each64: { inFlight: 128, each: 1_000, policies: [{ name: 'a' }] },
  mixed: { inFlight: 64, policies: [{ name: 'a' }], costs: [1, 2, 3] },
};

const FIGURES = {
  perSecond: 'decisions/s',
  appCpu: 'application CPU per decision',
  redisCpu: 'Redis CPU per decision',
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string', default: Object.keys(SITUATIONS).join(',') },
    limit: { type: 'string', default: '1000000000' },
    windows: { type: 'string', default: '1d,1d' },
    json: { type: 'string' },
  },
});
const [rounds, seconds, names] = [Number(values.rounds), Number(values.seconds), values.only.split(',')];
const unknown = names.find((name) => !(name in SITUATIONS));
if (positionals.length !== 2 || !(rounds >= 1) || !(seconds > 0) || unknown !== undefined) {
  console.error(unknown === undefined ? 'Usage: see the head of this file.' : `There is no situation "${unknown}".`);
  process.exit(1);
}

const redis = await openBenchRedis();
const server = new Server(redis.url);
const results = {};
try {
  if (pinRedis(await server.pid())) pinThisProcess();
  const windows = values.windows.split(',');
  const sides = [];
  for (const [i, name] of ['old', 'new'].entries()) sides.push(await openSide(name, positionals[i], windows[i]));
  for (const name of names) {
    await server.empty();
    results[name] = await compare(name, sides);
    report(name, results[name]);
  }
  for (const side of sides) side.close();
  if (values.json) await writeFile(values.json, `${JSON.stringify(results)}\n`);
} finally {
  server.close();
  await redis.close();
}

async function openSide(name, dist, window) {
  const entry = resolve(dist, 'esm/index.js');
  if (!existsSync(entry)) throw new Error(`${dist} is not a built package: it has no esm/index.js`);
  const { definePolicy, RedisStore } = await import(pathToFileURL(entry));
  const client = new Redis(redis.url);
  const store = new RedisStore(client, { prefix: name, timeout: 10_000 });
  const defined = (definition, one) =>
    definePolicy({ limit: Number(values.limit) - one, window: ownWindow(window, one), ...definition });
  return { name, store, defined, close: () => client.disconnect() };
}

/** Calendar windows that each begin a second later. */
function ownWindow(window, one) {
  const isCalendar = /^[a-z]/.test(window);
  return isCalendar && one > 0 ? { calendar: window, anchor: new Date(Date.UTC(2026, 0, 1, 0, 0, one)) } : window;
}

/** Round by round the figures of both sides: `{ old: [...], new: [...] }`. */
async function compare(name, sides) {
  const { inFlight, policies, costs = [1], each = 1 } = SITUATIONS[name];
  const keys = callers(CALLERS);
  const opened = sides.map((side) => {
    const sets = Array.from({ length: each }, (_, one) => policies.map((policy) => side.defined(policy, one)));
    let asked = 0;
    const decide = async (key) => {
      const defined = sets[asked % each];
      const cost = costs[asked++ % costs.length];
      const decisions = await side.store.consume(defined.map((policy) => ({ policy, key, cost })));
      return decisions.every(({ allowed }) => allowed);
    };
    return { name: side.name, decide };
  });
  const once = ({ decide }, time) => measure(server, () => cell({ decide, keys, inFlight }, { seconds: time }));

  // Compilers need a while, and every key is to be there.
  for (const side of [...opened, ...opened]) await once(side, 1);
  const figures = { old: [], new: [] };
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? opened : opened.toReversed()) {
      const { surprises, ...measured } = await once(side, seconds);
      if (surprises > 0) throw new Error(`${side.name}, ${name}: ${surprises} decisions were wrong`);
      figures[side.name].push(measured);
    }
  }
  return figures;
}

function report(name, figures) {
  for (const [figure, title] of Object.entries(FIGURES)) {
    const [before, after] = [figures.old, figures.new].map((all) => all.map((one) => one[figure]));
    const ratios = after.map((value, round) => value / before[round]);
    const [low, high] = interval(ratios);
    const middles = `${median(before).toFixed(2)} -> ${median(after).toFixed(2)}`;
    const ratio = `${median(ratios).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
    console.log(`${name.padEnd(11)} ${title.padEnd(29)} ${middles.padStart(23)}   new/old ${ratio}`);
  }
}

/** Where the median lies, in 95 of 100 samples drawn from these values. */
function interval(ratios) {
  const medians = Array.from({ length: 5_000 }, () =>
    median(ratios.map(() => ratios[Math.floor(Math.random() * ratios.length)])),
  );
  return [quantile(medians, 0.025), quantile(medians, 0.975)];
}
