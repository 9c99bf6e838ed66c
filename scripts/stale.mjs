import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** True when something built is missing, or older than anything it was built from. */
export function isStale(built, ...sources) {
  return newest(built) < Math.max(...sources.map(newest));
}

function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return -Infinity;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(-Infinity, ...readdirSync(path).map((each) => newest(join(path, each))));
}
