// Runs before node_modules exists: nothing here may need a package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { endBy, inForeground } from './foreground.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Installs what package-lock.json names, unless it is installed already. Ends the process when it cannot. */
export function ensureInstalled() {
  return install({ what: 'all packages', takes: 'about a minute' });
}

/** Only what runs the sample from its sources: a quarter of all packages. */
export function ensureSampleInstalled() {
  const needed = neededBy('apps/sample');
  const flags = ['--workspace=rate-limit-sample', '--ignore-scripts'];
  return install({ what: 'what the sample needs', takes: 'about 15 seconds', needed, flags });
}

async function install({ what, takes, needed, flags = [] }) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node.js 20.19 or newer is needed, this is ${process.versions.node}.`);
    process.exit(1);
  }
  if (isInstalled(needed)) return;

  console.log(`Installing ${what}: ${takes} ...`);
  // Under npm its own file is known, and starting that needs no shell on any system.
  const own = process.env.npm_execpath;
  const npm = own?.endsWith('npm-cli.js') ? [process.execPath, own] : ['npm'];
  // Errors only: some packages ask for a newer Node.js in their metadata than they need.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const command = [...npm, 'ci', '--include=dev', ...flags, ...quiet];
  // On the first signal npm would remove again what it has installed, which takes as long; on a second it ends.
  const options = { cwd: ROOT, stdio: ['inherit', 'ignore', 'inherit'], insist: true };
  const { status, signal } = await inForeground(command, options).catch((error) => {
    console.error(`npm ci: ${error.message}`);
    return { status: 1 };
  });
  if (signal) {
    console.error('Interrupted. The next run installs again.');
    endBy(signal);
  }
  if (status !== 0) process.exit(status);
}

/**
 * Compares what npm wrote down after installing with what it should install; dates say little after a checkout.
 *
 * @param needed the paths to look at; without them all, where optional ones may be missing: they may be for another system
 */
export function isInstalled(needed) {
  const installed = packagesIn('node_modules/.package-lock.json');
  return Object.entries(packagesIn('package-lock.json')).every(([path, { version, optional, devOptional, link }]) => {
    if (link || !path.includes('node_modules/') || needed?.has(path) === false) return true;
    return installed[path] ? installed[path].version === version : !needed && Boolean(optional || devOptional);
  });
}

/** The paths of what a workspace needs, found as Node.js finds packages: in the nearest node_modules on the way up. */
function neededBy(workspace) {
  const packages = packagesIn('package-lock.json');
  const needed = new Set([workspace]);
  // Those that are added meanwhile are visited too.
  for (const path of needed) {
    const { dependencies, devDependencies } = packages[path] ?? {};
    for (const name of Object.keys({ ...dependencies, ...(path === workspace && devDependencies) })) {
      const found = onTheWayUp(path, name).find((each) => packages[each]);
      if (found) needed.add(packages[found].link ? packages[found].resolved : found);
    }
  }
  return needed;
}

function onTheWayUp(path, name) {
  const folders = path.split('/').map((_, i, all) => `${all.slice(0, all.length - i).join('/')}/`);
  return [...folders, ''].map((folder) => `${folder}node_modules/${name}`);
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).packages;
  } catch {
    return {};
  }
}
