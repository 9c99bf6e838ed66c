import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** True when something built is missing, or older than anything it was built from. */
export function isStale(built, ...sources) {
  return newest(built) < Math.max(...sources.map(newest));
}

/** Whether what users get is older than its sources. */
export const libraryIsStale = () =>
  isStale('libs/rate-limit/dist', 'libs/rate-limit/src', 'libs/rate-limit/package.json');

function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return -Infinity;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(-Infinity, ...readdirSync(path).map((each) => newest(join(path, each))));
}
