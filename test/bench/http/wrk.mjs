import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchPackage } from '../../support/redis/find/debian-package.mjs';
import { commandIn } from '../../support/redis/find/unpacked.mjs';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/bench/wrk/', import.meta.url));

/** wrk on PATH, or from Debian's package without root, fetched once; or none. */
export async function findWrk(say) {
  const installed = versionOf(['wrk']);
  if (installed) return { command: ['wrk'], version: installed };
  try {
    if (!existsSync(CACHE)) await fetchWrk();
    const command = commandIn(CACHE, 'wrk');
    const version = versionOf(command);
    if (version) return { command, version };
    say('wrk: the fetched one does not run');
  } catch (error) {
    say(`wrk: not at hand (${error.message.trim().split('\n').at(-1)})`);
  }
  return undefined;
}

/** `wrk -v` tells it, and then fails for want of a url. */
function versionOf([file, ...args]) {
  try {
    execFileSync(file, [...args, '-v'], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    return /^wrk (?:\w+\/)?(\S+)/m.exec(`${error.stdout ?? ''}${error.stderr ?? ''}`)?.[1];
  }
  return undefined;
}

/** Built aside and renamed, so that nobody ever sees half of one. */
async function fetchWrk() {
  console.log('Fetching the package wrk ...');
  mkdirSync(dirname(dirname(CACHE)), { recursive: true });
  const aside = mkdtempSync(join(dirname(dirname(CACHE)), 'bench-wrk.'));
  try {
    await fetchPackage(codename(), 'wrk', aside);
    const root = join(aside, 'root');
    // It knows what servers are called and takes wrk for none of them: its libraries are here, and apt's state.
    if (!existsSync(join(root, 'usr/bin/wrk'))) fetchAlone('wrk', aside, root);
    mkdirSync(dirname(CACHE), { recursive: true });
    renameSync(root, CACHE);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function codename() {
  const release = readFileSync('/etc/os-release', 'utf8');
  return /^(?:UBUNTU|VERSION)_CODENAME="?(\w+)/m.exec(release)?.[1] ?? 'stable';
}

function fetchAlone(name, state, root) {
  const options = {
    'Dir::State': state,
    'Dir::State::Lists': join(state, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(state, 'cache'),
    'Dir::Etc::SourceList': join(state, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '',
  };
  const flags = Object.entries(options).map(([key, value]) => `-o${key}=${value}`);
  execFileSync('apt-get', ['-q', ...flags, 'download', name], { cwd: state, stdio: 'pipe' });
  const file = readdirSync(state).find((each) => each.startsWith(`${name}_`));
  execFileSync('dpkg', ['-x', join(state, file), root]);
}
