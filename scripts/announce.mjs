import { readdirSync } from 'node:fs';
import { outlook } from '../test/support/redis/find/outlook.mjs';
import { isInstalled } from './install.mjs';
import { libraryIsStale } from './stale.mjs';

/** Says what a run of the tests will do, and how long that takes on two cores. */
export function announce({ args, isLong }) {
  const lines = [
    ...(isInstalled() ? [] : ['install all packages: about a minute']),
    ...(libraryIsStale() ? ['build the library: about 15 seconds'] : []),
    `start Redis servers: ${outlook()}`,
    args.length > 0
      ? `run the tests that match ${args.join(' ')}`
      : `run ${specs(isLong)} specs: about ${minutes(isLong)}`,
  ];
  console.log(['This run will', ...lines.map((line) => `  - ${line}`), ''].join('\n'));
}

const specs = (isLong) =>
  readdirSync('test', { recursive: true }).filter(
    (path) => path.endsWith('.spec.ts') && !path.includes('node_modules') && (isLong || !/chaos.long/.test(path)),
  ).length;

const minutes = (isLong) =>
  isLong ? 'twelve minutes' : 'five minutes; the first time more, to fetch packages and a browser';
