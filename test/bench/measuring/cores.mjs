import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const taskset = (...args) => spawnSync('taskset', args.map(String), { encoding: 'utf8' });

/**
 * Redis' main thread stays on one core, and that of each contender on another.
 *
 * A scheduler puts two processes that wake each other on one core for a while, and then on two. With few requests in
 * flight this changes a rate by more than contenders differ. On two cores it is as if Redis was another machine. The
 * threads that collect garbage are free to run anywhere.
 *
 * Needs Linux and `taskset`; elsewhere nothing is pinned.
 */
const CORES = usable();

/** @returns whether it could be done */
export function pinRedis(pid) {
  // The process of a container has another id here, or is somebody else's.
  return CORES.length > 1 && /redis|valkey/.test(commandOf(pid)) && pin(pid, CORES[1]);
}

export const pinThisProcess = () => CORES.length > 1 && pin(process.pid, CORES[0]);

const pin = (pid, core) => taskset('-cp', core, pid).status === 0;

/** The cores this process may use: `taskset` says `0-3,6`. */
function usable() {
  const { status, stdout } = taskset('-cp', process.pid);
  if (status !== 0) return [];
  return stdout
    .slice(stdout.lastIndexOf(':') + 1)
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
