// npm run bench: what a decision costs in this store, in its peers, and what a bare INCR costs, in one run.
//
//   -- --quick        short rounds, under a minute: does it work? (all of it takes about ten)
//   -- --only REGEX   the rows whose ids match: 'one-policy', '^bytes', '^growth-keys'
//   -- --growth       how our own costs grow, too: with keys, policies, requests in flight, processes, long logs (four
//                     minutes more)
//   -- --json FILE    the figures of every round, too
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareBench } from './setup.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    growth: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const file = values.json === undefined ? undefined : resolve(values.json);

await prepareBench();
const { run } = await import('./run.mjs');
const { formatted } = await import('./report/formatted.mjs');
await run({ ...values, only: new RegExp(values.only) }, async (data) => {
  if (!file) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await formatted(file, JSON.stringify(data)));
});
