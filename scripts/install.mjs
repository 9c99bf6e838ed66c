// Runs before node_modules exists: nothing here may need a package.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Installs what package-lock.json names, unless it is installed already. Ends the process when it cannot. */
export function ensureInstalled() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node.js 20.19 or newer is needed, this is ${process.versions.node}.`);
    process.exit(1);
  }
  if (isInstalled()) return;

  console.log('Installing packages (npm ci) ...');
  // Under npm its own file is known, and starting that needs no shell on any system.
  const own = process.env.npm_execpath;
  const npm = own?.endsWith('npm-cli.js') ? [process.execPath, own] : ['npm'];
  const [file, ...args] = [...npm, 'ci', '--no-audit', '--no-fund'];
  const { status, error } = spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' });
  if (error) console.error(`npm ci: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Compares what npm wrote down after installing with what it should install; dates say little after a checkout. */
function isInstalled() {
  const wanted = packagesIn('package-lock.json');
  const installed = packagesIn('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, { version, optional, devOptional, link }]) => {
    if (link || !path.includes('node_modules/')) return true;
    // Optional ones may be for another system.
    return installed[path] ? installed[path].version === version : Boolean(optional || devOptional);
  });
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).packages;
  } catch {
    return {};
  }
}
