import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** Sends a signal to one process; one that is already gone is no error. */
export function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** A zombie is gone too: it only waits for its parent to notice. */
export const isGone = (pid) => [undefined, 'Z'].includes(state(pid));

export const isStopped = (pid) => state(pid) === 'T';

/** One letter, as ps shows it; undefined when there is no such process. */
function state(pid) {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).trim()[0];
    }
    // The letter follows the name, which is in brackets and may hold any character.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const letter = stat[stat.lastIndexOf(')') + 2];
    // While another of its threads lives, its port is still open.
    return letter === 'Z' && readdirSync(`/proc/${pid}/task`).length > 1 ? 'R' : letter;
  } catch {
    return undefined;
  }
}
