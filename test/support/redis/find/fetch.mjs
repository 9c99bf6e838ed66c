import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchPackage } from './debian-package.mjs';
import { commandIn } from './unpacked.mjs';

const CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/redis-servers/', import.meta.url));

/** Those that were fetched before. */
export function serversFetched() {
  const cached = wanted().filter(({ suite, name }) => existsSync(folderOf(suite, name)));
  return cached.map(({ suite, name }) => ({
    how: 'fetched package',
    suite,
    command: commandIn(folderOf(suite, name), name),
  }));
}

/** Servers from Debian's packages, which need neither root nor an installation. Fetched once, then cached. */
export async function serversToFetch(say) {
  return (await Promise.all(wanted().map((each) => serverFrom(each, say)))).filter(Boolean);
}

/** The same, for those who need one: the next is fetched when it is asked for. */
export async function* serversOneByOne(say) {
  for (const each of wanted()) {
    const server = await serverFrom(each, say);
    if (server) yield server;
  }
}

async function serverFrom({ expected, suite, name }, say) {
  try {
    return { how: 'fetched package', suite, command: commandIn(await fetched(suite, name), name) };
  } catch (error) {
    say(`${expected}: not at hand (${error.message.trim().split('\n').at(-1)})`);
    return undefined;
  }
}

const folderOf = (suite, name) => join(CACHE, `${suite}-${name}`);

function wanted() {
  if (field('ID') === 'debian') {
    return [
      { expected: 'redis 7.0', suite: 'bookworm', name: 'redis-server' },
      { expected: 'redis 8.0', suite: 'trixie', name: 'redis-server' },
      { expected: 'valkey 8.1', suite: 'trixie', name: 'valkey-server' },
    ];
  }
  // Ubuntu and its like: whatever their own release has.
  const suite = ownSuite();
  return ['redis', 'valkey'].map((expected) => ({ expected, suite, name: `${expected}-server` }));
}

/** The suite that this machine's own packages are from. */
export const ownSuite = () => field('UBUNTU_CODENAME') ?? field('VERSION_CODENAME') ?? 'stable';

function field(name) {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(release)?.[1];
}

/**
 * The folder that the package and the libraries it needs are unpacked in.
 * Built aside and renamed, so that two runs at once never see half of one.
 */
export async function fetched(suite, name) {
  const folder = folderOf(suite, name);
  if (existsSync(folder)) return folder;

  console.log(`Fetching the package ${name} of ${suite} ...`);
  mkdirSync(dirname(folder), { recursive: true });
  const aside = mkdtempSync(`${folder}.`);
  try {
    await fetchPackage(suite, name, aside);
    renameSync(join(aside, 'root'), folder);
  } catch (error) {
    // The other run was faster: its copy is as good as ours.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return folder;
}
