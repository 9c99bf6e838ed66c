import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { algorithmNames, algorithmOf } from 'nestjs-redis-rate-limit/engine';
import { masthead } from '../look/frame.js';
import { filesIn } from '../look/served-files.js';

export const INDEX = 'index.html';

/** Everything that is served, by name: the folder, the chart library, and what the rate limiter says of its algorithms. */
export function pageFiles(): ReadonlyMap<string, Buffer> {
  const chart = createRequire(import.meta.url);
  const files = new Map(filesIn(new URL('../../page/', import.meta.url)));
  const index = files.get(INDEX)!.toString('utf8').replace('<!-- masthead -->', masthead(''));
  return new Map([
    ...files,
    [INDEX, Buffer.from(index)],
    ['uPlot.js', readFileSync(chart.resolve('uplot/dist/uPlot.esm.js'))],
    ['algorithms.js', Buffer.from(`export const ALGORITHMS = ${JSON.stringify(algorithmFacts(), null, 2)};\n`)],
    ['uPlot.css', readFileSync(chart.resolve('uplot/dist/uPlot.min.css'))],
  ]);
}

/** As page/algorithms.d.ts declares it. */
const algorithmFacts = () =>
  algorithmNames.map((name) => {
    const { title, about, defaultBurst, refillsAtOnce } = algorithmOf(name);
    return { name, title, about, defaultBurst, refillsAtOnce };
  });
