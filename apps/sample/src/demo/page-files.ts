import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';

const PAGE = new URL('../../page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** All that is served, by name: what lies in the folder, and the chart library. Nothing else can be asked for. */
export function pageFiles(): ReadonlyMap<string, Buffer> {
  const chart = createRequire(import.meta.url);
  const files = readdirSync(PAGE).filter((name) => extname(name) in TYPES);
  return new Map([
    ...files.map((name) => [name, readFileSync(new URL(name, PAGE))] as const),
    ['uPlot.js', readFileSync(chart.resolve('uplot/dist/uPlot.esm.js'))],
    ['uPlot.css', readFileSync(chart.resolve('uplot/dist/uPlot.min.css'))],
  ]);
}

export const contentOf = (name: string): string => TYPES[extname(name)]!;
