import { bytes, weigh } from './bytes.mjs';
import { compare } from './compare.mjs';
import { grow, growth } from './growth.mjs';
import { pinRedis } from './measuring/cores.mjs';
import { environment } from './measuring/environment.mjs';
import { Progress } from './measuring/progress.mjs';
import { Server } from './measuring/server.mjs';
import { openBenchRedis } from './redis.mjs';
import { environmentText } from './report/environment.mjs';
import { bytesTable, growthTable, LEGEND, rowTable, verdictTable } from './report/tables.mjs';
import { textTable } from './report/text.mjs';
import { rows } from './rows.mjs';
import { verdicts } from './targets.mjs';

/**
 * How long things are measured.
 *
 * The warm-up is as long as V8 needs to compile what runs often. Rates were measured every third of a second from a cold
 * start, with 64 in flight. This library went from 228,000 decisions/s to 380,000, 429,000, 453,000 and 466,000, and
 * stayed there. The best peer went from 94,000 to 103,000 and 110,000.
 *
 * After a pause, the first tenth of a second is slower. It is part of the lead-in, which counts garbage.
 *
 * In a cell of 1.5 s a peer makes about 160,000 decisions and this library about 600,000. V8 collects the young
 * generation at least 60 times in that time. That is enough for a 99.9th percentile.
 */
const FULL = {
  rounds: 5,
  growthRounds: 3,
  lengths: {
    warmUp: { seconds: 1, decisions: 500_000, most: 2.5 },
    leadIn: { seconds: 0.2 },
    cell: { seconds: 1.5 },
  },
};
const QUICK = {
  rounds: 2,
  growthRounds: 1,
  lengths: { warmUp: { seconds: 0.05 }, leadIn: { seconds: 0.03 }, cell: { seconds: 0.1 } },
};

/**
 * Measures what was asked for, and prints it.
 *
 * @param keep gets all figures so far after each part: a part that fails does not lose the others
 */
export async function run({ quick, only, growth: withGrowth }, keep) {
  const settings = quick ? QUICK : FULL;
  const isWanted = ({ id }) => only.test(id);
  const redis = await openBenchRedis();
  const server = new Server(redis.url);
  const progress = new Progress();
  try {
    const pinned = pinRedis(await server.pid());
    const context = { ...settings, url: redis.url, server, pinned, progress, quick };
    const data = {
      quick,
      settings,
      environment: { ...environment(redis.label), pinned },
      rows: [],
      bytes: [],
      growth: [],
    };
    const add = async (list, measured) => {
      list.push(measured);
      await keep(data);
    };
    for (const row of rows.filter(isWanted)) await add(data.rows, await compare(row, context));
    for (const row of bytes.filter(isWanted)) await add(data.bytes, await weigh(row, context));
    if (withGrowth) {
      const rounds = settings.growthRounds;
      for (const part of growth.filter(isWanted)) await add(data.growth, await grow(part, { ...context, rounds }));
    }
    progress.done();
    print(data);
  } finally {
    server.close();
    await redis.close();
  }
}

function print({ quick, environment, rows, bytes, growth }) {
  const say = (title, table) => console.log(`\n${title}\n${textTable(table)}`);
  console.log(environmentText(environment));
  if (rows.length > 0) console.log(LEGEND);
  for (const row of rows) say(row.title, rowTable(row));
  if (bytes.length > 0) say('Bytes per caller', bytesTable(bytes));
  for (const part of growth) say(part.title, growthTable(part));

  const told = verdicts([...rows, ...bytes]);
  if (told.length > 0) say('Targets', verdictTable(told));
  if (quick) console.log('\nA quick run shows that everything works. Its figures mean little.');
}
