import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, whatIs } from './ask.mjs';
import { freePort } from './ports.mjs';
import { isGone, isStopped, signal } from './processes.mjs';
import { urlOf } from './url-of.mjs';

const HOST = '127.0.0.1';

/** A server that runs here as a process of our own. Its folder holds its log, and its pid for the reaper. */
export async function startProcess(kind, { args = [], hasConfigFile = false, runDir }) {
  const dir = realpathSync(mkdtempSync(join(runDir, 'server-')));
  const command = [...kind.command];
  if (hasConfigFile) {
    command.push(join(dir, 'config'));
    writeFileSync(command.at(-1), '');
  }
  let port;
  let url;
  let pid;
  let child;

  async function boot({ whileLoading = false } = {}) {
    child = run(command, port, dir, args);
    pid = await answering(child, url, dir, whileLoading);
  }

  async function kill() {
    const pids = [pid, isRunning(child) && child.pid].filter(Boolean);
    // Forgotten at once, here and on disk: the system may give the number to another process.
    pid = undefined;
    for (const each of pids) signal(each, 'SIGKILL');
    while (!pids.every(isGone)) await sleep(5);
    rmSync(join(dir, 'pid'), { force: true });
  }

  async function bootOnFreePort() {
    for (let tries = 1; ; tries++) {
      port = await freePort();
      url = urlOf(HOST, port, args);
      try {
        return await boot();
      } catch (error) {
        await kill();
        // Another run may have taken the port between our look and our start.
        if (tries < 3 && /already in use/i.test(error.message)) continue;
        rmSync(dir, { recursive: true, force: true });
        throw new Error(`${kind.label ?? kind.command.join(' ')} did not start: ${error.message}`);
      }
    }
  }

  await bootOnFreePort();
  return {
    kind,
    version: kind.version,
    host: HOST,
    port,
    url,
    get pid() {
      return pid;
    },
    kill,
    async freeze() {
      signal(pid, 'SIGSTOP');
      while (!isStopped(pid) && !isGone(pid)) await sleep(5);
    },
    async thaw() {
      signal(pid, 'SIGCONT');
    },
    async restart(options) {
      await kill();
      await boot(options);
    },
    async stop() {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function run([file, ...first], port, dir, args) {
  const log = openSync(join(dir, 'log'), 'w');
  const own = ['--port', port, '--bind', HOST, '--dir', dir, '--pidfile', join(dir, 'pid')];
  const plain = ['--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  const child = spawn(file, [...first, ...own, ...plain, ...args].map(String), { stdio: ['ignore', log, log] });
  closeSync(log);
  child.once('error', (error) => (child.failure = error.message));
  // A test that forgets to stop its server must not hang the run; the reaper ends the server.
  child.unref();
  return child;
}

/** Waits until the server answers, and returns its pid: behind a wrapper script it is not the child's. */
async function answering(child, url, dir, whileLoading) {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
    if (child.failure) throw new Error(child.failure);
    if (!isRunning(child)) throw new Error(`it ended at once\n${logIn(dir)}`);
    const pid = await ask(url, (client) => pidOfOurs(client, dir), { whileLoading }).catch(() => undefined);
    if (pid) return pid;
  }
  throw new Error(`no PONG within 10 s\n${logIn(dir)}`);
}

/** Another run's server may answer on this port: ours is the one that wrote its pid into our folder. */
async function pidOfOurs(client, dir) {
  const { pid } = await whatIs(client);
  return pid === Number(readFileSync(join(dir, 'pid'), 'utf8')) ? pid : undefined;
}

const isRunning = (child) => child.pid !== undefined && child.exitCode === null && child.signalCode === null;

const logIn = (dir) => readFileSync(join(dir, 'log'), 'utf8').trim();
