import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findWrk } from './wrk.mjs';

const CONNECTIONS = 64;

const WRK_REPORT = fileURLToPath(new URL('./wrk-report.lua', import.meta.url));
const AUTOCANNON = new URL('../node_modules/autocannon/', import.meta.url);

/**
 * wrk where it can be had: autocannon needs as much of a core as the application does. Both keep 64 connections busy,
 * from a process of their own.
 *
 * `load(url, seconds)` tells the requests answered, the seconds it took, latencies in ms, and the failures: answers
 * that are no 2xx, and connections that broke.
 */
export async function findGenerator(say) {
  const wrk = await findWrk(say);
  return { connections: CONNECTIONS, ...(wrk ? wrkAt(wrk) : autocannon()) };
}

const wrkAt = ({ command, version }) => ({
  name: 'wrk',
  version,
  async load(url, seconds) {
    const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '5s', '-s', WRK_REPORT, url];
    // What it prints before is for people.
    return JSON.parse((await run([...command, ...args])).trim().split('\n').at(-1));
  },
});

const autocannon = () => ({
  name: 'autocannon',
  version: JSON.parse(readFileSync(new URL('package.json', AUTOCANNON), 'utf8')).version,
  async load(url, seconds) {
    const program = fileURLToPath(new URL('autocannon.js', AUTOCANNON));
    const args = ['-c', CONNECTIONS, '-d', seconds, '--json', '--no-progress', url].map(String);
    const told = JSON.parse(await run([process.execPath, program, ...args]));
    return {
      requests: told.requests.total,
      seconds: told.duration,
      p50: told.latency.p50,
      p99: told.latency.p99,
      failures: told.non2xx + told.errors + told.timeouts,
    };
  },
});

async function run([file, ...args]) {
  const running = promisify(execFile)(file, args);
  const stop = () => running.child.kill('SIGKILL');
  process.once('exit', stop);
  try {
    return (await running).stdout;
  } finally {
    process.off('exit', stop);
  }
}
