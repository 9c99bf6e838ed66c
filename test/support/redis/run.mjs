import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findKinds } from './find/kinds.mjs';
import { serverAtUrl } from './find/url.mjs';
import { launch } from './launch.mjs';

/** Finds the servers of one run, and starts the main one. Whoever opens a run closes it. */
export async function openRun(say = () => {}) {
  const dir = mkdtempSync(join(tmpdir(), 'redis-run-'));
  const close = startReaper(dir);
  try {
    const named = await serverAtUrl();
    const kinds = await findKinds(dir, say);
    const shared = named ?? (await startMain(kinds[0], dir));
    // Tests that start their own server use the main one's version where they can.
    kinds.sort((a, b) => Number(b.label === shared.label) - Number(a.label === shared.label));
    return { dir, kinds, shared, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startMain(kind, runDir) {
  if (!kind) throw new Error(NONE);
  const { url } = await launch(kind, { runDir });
  return { url, ownedByTests: true, label: kind.label, how: kind.how };
}

/** Its own process group: Ctrl-C must not end it before its work is done. */
function startReaper(dir) {
  const file = fileURLToPath(new URL('./reaper.mjs', import.meta.url));
  const reaper = spawn(process.execPath, [file, dir], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  reaper.unref();
  reaper.stdin.unref();
  return () =>
    new Promise((resolve) => {
      reaper.once('exit', resolve);
      reaper.ref();
      reaper.stdin.end();
    });
}

const NONE = `The tests need a real Redis, and none could be had. Any of these will do:
  - Docker, with an image redis:8 that is there or can be pulled
  - an installed redis-server or valkey-server, 6.2 or newer, on PATH
  - Debian or Ubuntu with apt-get and a network: packages are fetched without root
  - a running server: REDIS_URL=redis://localhost:6379 (the tests that stop or freeze a server need one of the above)
What was tried:`;
