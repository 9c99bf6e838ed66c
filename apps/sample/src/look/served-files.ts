import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** What lies in a folder and can be served, by name. Nothing else can be asked for. */
export const filesIn = (folder: URL): (readonly [string, Buffer])[] =>
  readdirSync(folder)
    .filter((name) => extname(name) in TYPES)
    .map((name) => [name, readFileSync(new URL(name, folder))]);

export const contentOf = (name: string): string => TYPES[extname(name)]!;
