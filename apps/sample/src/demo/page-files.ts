import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { algorithmNames, algorithmOf } from 'nestjs-redis-rate-limit/engine';

const PAGE = new URL('../../page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Everything that is served, by name: what lies in the folder, the chart library, and what the rate limiter says of its
 * algorithms. Nothing else can be asked for.
 */
export function pageFiles(): ReadonlyMap<string, Buffer> {
  const chart = createRequire(import.meta.url);
  const files = readdirSync(PAGE).filter((name) => extname(name) in TYPES);
  return new Map([
    ...files.map((name) => [name, readFileSync(new URL(name, PAGE))] as const),
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

export const contentOf = (name: string): string => TYPES[extname(name)]!;
