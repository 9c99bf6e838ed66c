import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Fetches a server's package with the libraries it needs, and unpacks them into `folder/root`.
 *
 * apt-get works on a state of its own, so this needs no root and changes nothing on the machine.
 */
export async function fetchPackage(suite, name, folder) {
  const { stdout: sources } = await sh('apt-get', ['indextargets', '--format', '$(SITE) $(RELEASE) $(COMPONENT)']);
  const apt = aptWithOwnState(folder, sourcesOf(suite, sources.trim().split('\n')));
  await apt('update');

  // As if nothing were installed: the server runs with its own suite's libraries, down to libc.
  const { stdout: plan } = await apt('install', '--simulate', '--no-install-recommends', name);
  const needed = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1]).filter((each) => isNeeded(each));
  mkdirSync(join(folder, 'packages'));
  await apt('download', ...needed);

  for (const file of readdirSync(join(folder, 'packages'))) {
    await sh('dpkg', ['-x', join(folder, 'packages', file), join(folder, 'root')]);
  }
}

const isNeeded = (name) => /^(lib|zlib|redis|valkey|prometheus)/.test(name) && !/perl|libpam|^libjs/.test(name);

function aptWithOwnState(folder, sources) {
  for (const each of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, each), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), sources);
  const options = {
    'Dir::State': folder,
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Debug::NoLocking': '1',
    // As root, apt would fetch as its own user, who may not write here.
    'APT::Sandbox::User': '',
    'APT::Update::Error-Mode': 'any',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '20',
  };
  const flags = Object.entries(options).map(([key, value]) => `-o${key}=${value}`);
  const within = join(folder, 'packages');
  return (...args) => sh('apt-get', ['-q', ...flags, ...args], existsSync(within) ? within : folder);
}

/** The mirror that this machine's own apt uses, asked for another suite. */
function sourcesOf(suite, lines) {
  const own = lines
    .map((line) => line.split(' '))
    .filter(([, release, part]) => part === 'main' && !/[-/]/.test(release));
  const site = own[0]?.[0];
  if (!site) throw new Error('apt-get: no sources');
  const distribution = /ubuntu/.test(site) ? 'ubuntu' : 'debian';
  const parts = distribution === 'ubuntu' ? 'main universe' : 'main';
  const keys = `/usr/share/keyrings/${distribution}-archive-keyring.gpg`;
  return `deb ${existsSync(keys) ? `[signed-by=${keys}] ` : ''}${site} ${suite} ${parts}\n`;
}

async function sh(file, args, cwd) {
  try {
    return await run(file, args, { cwd, timeout: 120_000, maxBuffer: 16 << 20, env: { ...process.env, LC_ALL: 'C' } });
  } catch (error) {
    const lines = (error.stderr ?? '').trim().split('\n');
    const why = lines.find((line) => line.startsWith('E: ')) ?? (lines.at(-1) || error.message);
    throw new Error(`${file}: ${error.code === 'ENOENT' ? 'not on this machine' : why.replace(/^E: /, '')}`);
  }
}
