import { mkdirSync } from 'node:fs';
import { environment } from '../measuring/environment.mjs';
import { Progress } from '../measuring/progress.mjs';
import { Server } from '../measuring/server.mjs';
import { summarised } from '../measuring/statistics.mjs';
import { openBenchRedis } from '../redis.mjs';
import { textTable } from '../report/text.mjs';
import { comparisonsOf, standingOf } from './comparisons.mjs';
import { findGenerator } from './generator.mjs';
import { Disturbance, measure } from './measure.mjs';
import { profile } from './profile.mjs';
import { conditions } from './report.mjs';
import { schedule } from './schedule.mjs';
import { adapterTable, comparisonTable, LEGEND } from './tables.mjs';
import { ADAPTERS, cells, nameOf } from './variants.mjs';

/** Seconds are whole, as wrk has them. Two of warm-up, and what runs often is compiled. Fastify has the targets. */
const FULL = { seconds: 2, fastify: { rounds: 4, warmUp: 2 }, express: { rounds: 3, warmUp: 2 } };
const QUICK = { seconds: 1, fastify: { rounds: 1, warmUp: 1 }, express: { rounds: 1, warmUp: 1 } };

const PACKAGES = [
  ...['@nestjs/core', 'fastify', 'express', 'ioredis'],
  ...['@nestjs/throttler', '@nest-lab/throttler-storage-redis'],
];

/** Measures what was asked for, prints it and returns all of it; or writes profiles, when there is a folder for them. */
export async function run({ quick, only, profileInto }) {
  const chosen = cells(only);
  if (chosen.length === 0) throw new Error(`${only} matches none of ${cells().map(nameOf).join(', ')}`);
  const settings = quick ? QUICK : FULL;

  const redis = await openBenchRedis();
  const server = new Server(redis.url);
  try {
    const generator = await findGenerator(console.log);
    const context = { ...settings, generator, server, url: redis.url };
    if (profileInto) return await profileAll(chosen, profileInto, context);

    const measured = await measureAll(chosen, context);
    const { name, version, connections } = generator;
    const data = {
      ...{ quick, settings, environment: environment(redis.label, PACKAGES) },
      generator: { name, version, connections },
      rows: measured.map((cell) => rowOf(cell, measured)),
      comparisons: comparisonsOf(measured),
    };
    print(data);
    return data;
  } finally {
    server.close();
    await redis.close();
  }
}

async function measureAll(chosen, context) {
  const progress = new Progress();
  const measured = chosen.map((cell) => ({ ...cell, rounds: [] }));
  const steps = schedule(measured, (adapter) => context[adapter].rounds);
  for (const [i, { cell, round }] of steps.entries()) {
    progress.step(`${i + 1} of ${steps.length}: round ${round + 1}, ${nameOf(cell)}`);
    cell.rounds.push(
      await placed(
        cell,
        undisturbed(() => measure(cell, context)),
      ),
    );
  }
  progress.done();
  return measured;
}

/** What was disturbed is measured again. What is disturbed every time is no accident. */
async function undisturbed(work, attempts = 3) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Disturbance) || attempts === 1) throw error;
    console.log(`again: ${error.message}`);
    return undisturbed(work, attempts - 1);
  }
}

async function profileAll(chosen, folder, context) {
  mkdirSync(folder, { recursive: true });
  for (const cell of chosen) {
    const { file, requests } = await placed(cell, profile(cell, folder, context));
    console.log(`${file}: ${requests} requests`);
  }
}

function rowOf(cell, measured) {
  const { id, title, limits } = cell.variant;
  return { adapter: cell.adapter, id, title, limits, ...summarised(cell.rounds), ...standingOf(measured, cell) };
}

function print(data) {
  console.log(`${conditions(data)}\n${LEGEND}`);
  for (const adapter of ADAPTERS.filter((name) => data.rows.some((row) => row.adapter === name))) {
    const own = (each) => each.adapter === adapter;
    console.log(`\n${adapter}\n${textTable(adapterTable(data.rows.filter(own)))}`);
    console.log(`\n${textTable(comparisonTable(data.comparisons.filter(own)))}`);
  }
  if (data.quick) console.log('\nA quick run shows that everything works. Its figures mean little.');
}

async function placed(cell, work) {
  try {
    return await work;
  } catch (error) {
    throw new Error(`${nameOf(cell)}: ${error.message}`, { cause: error });
  }
}
