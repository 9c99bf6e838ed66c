import { memory, weigh } from './bytes.mjs';
import { compare } from './compare.mjs';
import { grow, growth } from './growth.mjs';
import { environment } from './measuring/environment.mjs';
import { Progress } from './measuring/progress.mjs';
import { Server } from './measuring/server.mjs';
import { openBenchRedis } from './redis.mjs';
import { environmentText } from './report/environment.mjs';
import { bytesTable, growthTable, LEGEND, rowTable, verdictTable } from './report/tables.mjs';
import { textTable } from './report/text.mjs';
import { rows } from './rows.mjs';
import { verdicts } from './targets.mjs';

const FULL = { rounds: 7, seconds: 1, warmUp: 0.4, growthRounds: 3 };
const QUICK = { rounds: 2, seconds: 0.2, warmUp: 0.1, growthRounds: 1 };

/** Measures what was asked for, prints it, and returns all of it. */
export async function run({ quick, only, growth: withGrowth }) {
  const settings = quick ? QUICK : FULL;
  const isWanted = ({ id }) => only.test(id);
  const redis = await openBenchRedis();
  const server = new Server(redis.url);
  const progress = new Progress();
  const context = { ...settings, url: redis.url, server, progress, quick };
  try {
    const data = { quick, settings, environment: environment(redis.label), rows: [], memory: [], growth: [] };
    for (const row of rows.filter(isWanted)) data.rows.push(await compare(row, context));
    for (const row of memory.filter(isWanted)) data.memory.push(await weigh(row, context));
    if (withGrowth) {
      const rounds = settings.growthRounds;
      for (const part of growth.filter(isWanted)) data.growth.push(await grow(part, { ...context, rounds }));
    }
    progress.done();
    print(data);
    return data;
  } finally {
    server.close();
    await redis.close();
  }
}

function print({ quick, environment, rows, memory, growth }) {
  const say = (title, table) => console.log(`\n${title}\n${textTable(table)}`);
  console.log(environmentText(environment));
  if (rows.length > 0) console.log(LEGEND);
  for (const row of rows) say(row.title, rowTable(row));
  if (memory.length > 0) say('Bytes per caller', bytesTable(memory));
  for (const part of growth) say(part.title, growthTable(part));

  const told = verdicts([...rows, ...memory]);
  if (told.length > 0) say('Targets', verdictTable(told, 'row'));
  if (quick) console.log('\nA quick run shows that everything works. Its figures mean little.');
}
