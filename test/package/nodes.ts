import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { npm, ROOT } from './commands.js';

/** A version of Node.js, and its program where it could be had. */
export interface Node {
  readonly major: number;
  readonly program: string | undefined;
}

/** Those that get updates, besides the oldest one that the package supports, which CI runs the tests on. */
const MAJORS = [22, 24, 26];
/** npm ci empties it, and nothing else does. */
const CACHE = join(ROOT, 'node_modules/.cache/nodes');
const SYSTEM = process.platform === 'win32' ? 'win' : process.platform;
const PACKAGE = `node-${SYSTEM}-${process.arch}`;
const PROGRAM = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';

/**
 * The versions of Node.js that the package is tested on. They come from the registry, each in a package of 40 MB that
 * only these tests need: so they are fetched when the tests run, once, and are not a dependency. One that cannot be had
 * has no program, and that is said loudly.
 */
export function nodes(): Promise<Node[]> {
  return Promise.all(
    MAJORS.map(async (major) => {
      try {
        return { major, program: await programOf(major) };
      } catch (error) {
        const lines = (error as Error).message.split('\n');
        const why = lines.find((line) => /^npm error (?!code)/.test(line)) ?? lines[0];
        process.stderr.write(
          `\n*** The package is NOT TESTED on Node.js ${major}: it cannot be had here. ***\n${why}\n`,
        );
        return { major, program: undefined };
      }
    }),
  );
}

async function programOf(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const folder = join(CACHE, `${PACKAGE}-${major}`);
  if (!existsSync(folder)) await fetch(major, folder);
  const program = join(folder, 'node_modules', PACKAGE, PROGRAM);
  const { stdout } = await promisify(execFile)(program, ['--version']);
  if (!stdout.startsWith(`v${major}.`)) throw new Error(`${PACKAGE}@${major} is ${stdout}`);
  return program;
}

/** Built aside and renamed, so that two runs at once never see half of one. */
async function fetch(major: number, folder: string): Promise<void> {
  process.stderr.write(`Fetching ${PACKAGE}@${major} ...\n`);
  await mkdir(dirname(folder), { recursive: true });
  const aside = await mkdtemp(`${folder}.`);
  try {
    const options = ['--prefix', aside, '--no-audit', '--no-fund', '--ignore-scripts'];
    await npm(['install', ...options, `${PACKAGE}@${major}`], aside);
    await rename(aside, folder);
  } catch (error) {
    // The other run was faster: its copy is as good as ours.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
