// npm run bench:http: one route of a NestJS application under load, without limits, with throttler's and with ours.
//
//   -- --quick           one short round, in a minute: does it work? (all of it takes six)
//   -- --only REGEX      the cells whose names match: 'fastify', 'ours-redis$', 'fastify (bare|ours-redis)$'
//   -- --json FILE       the figures of every round, too
//   -- --profile FOLDER  a CPU profile of each application, and no figures
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareBench } from './setup.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
});

// Before we go to the root folder.
const [file, folder] = [values.json, values.profile].map((path) => path && resolve(path));

await prepareBench();
const { run } = await import('./http/run.mjs');
const { formatted } = await import('./report/formatted.mjs');
const data = await run({ quick: values.quick, only: new RegExp(values.only), profileInto: folder });
if (file && data) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await formatted(file, JSON.stringify(data)));
}
