// Everything a benchmark needs before it starts, on a fresh clone as well. Needs no package itself.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from '../../scripts/install.mjs';
import { isStale } from '../../scripts/stale.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Installs the workspace and the peers, and builds the library, each where it is missing. Goes to the root folder. */
export async function prepareBench() {
  process.chdir(ROOT);
  await ensureInstalled();
  if (!peersAreInstalled()) {
    console.log('Installing the packages to compare with (npm ci in test/bench) ...');
    const own = process.env.npm_execpath;
    const npm = own?.endsWith('npm-cli.js') ? [process.execPath, own] : ['npm'];
    run([...npm, 'ci', '--no-audit', '--no-fund'], HERE);
  }
  if (isStale('libs/rate-limit/dist', 'libs/rate-limit/src', 'libs/rate-limit/package.json')) {
    console.log('Building the library ...');
    run([process.execPath, 'scripts/build-library.mjs'], ROOT);
  }
}

/** Compares what npm wrote down after installing with what it should install. */
function peersAreInstalled() {
  const wanted = packagesIn('package-lock.json');
  const installed = packagesIn('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return installed[path] ? installed[path].version === version : Boolean(optional);
  });
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).packages;
  } catch {
    return {};
  }
}

function run([file, ...args], cwd) {
  const { status, error } = spawnSync(file, args, { cwd, stdio: 'inherit' });
  if (error) console.error(`${file}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
