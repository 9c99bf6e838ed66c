import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'];

/**
 * Runs a command until it ends, and never outlives it or is outlived by it: signals are passed on.
 *
 * Returns its `status`, and the `signal` that this process got meanwhile, if any. `insist`: a signal is passed on again
 * until the command ends, which is for those that would first undo their work.
 */
export async function inForeground([file, ...args], { insist = false, ...options } = {}) {
  const child = spawn(file, args, { stdio: 'inherit', ...options });
  let signal;
  let insisting;
  const passOn = (received) => {
    signal ??= received;
    // A terminal sends Ctrl-C to the child as well: a second one would cut its shutdown short.
    if (received !== 'SIGINT' || !process.stdin.isTTY) child.kill(received);
    if (insist) insisting ??= setInterval(() => child.kill(received), 100);
  };
  for (const each of SIGNALS) process.on(each, passOn);
  // npm that is killed by its own pid takes its shell with it and tells nobody below.
  const parent = process.ppid;
  const orphaned = setInterval(() => process.ppid === parent || passOn('SIGTERM'), 500);
  try {
    const status = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, by) => resolve(code ?? 128 + constants.signals[by]));
    });
    return { status, signal };
  } finally {
    clearInterval(orphaned);
    clearInterval(insisting);
    for (const each of SIGNALS) process.off(each, passOn);
  }
}

/** Ends this process as the signal would have done: npm then says nothing about it. */
export function endBy(signal) {
  process.kill(process.pid, signal);
}
