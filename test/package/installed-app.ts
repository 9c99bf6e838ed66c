import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

const folders: string[] = [];

/** A folder of its own outside the repository, so that nothing is found there but what was installed. */
async function temporary(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  folders.push(folder);
  return folder;
}

export async function removeApps(): Promise<void> {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
}

/** The tarball as it would be published. */
export async function pack(): Promise<string> {
  const library = join(ROOT, 'libs/rate-limit');
  // npm test builds what is missing or stale; this is for those who start Jest themselves.
  if (!existsSync(join(library, 'dist/esm/index.js'))) {
    await run(process.execPath, ['scripts/build-library.mjs'], ROOT);
  }
  const folder = await temporary('packed');
  const told = await npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], library);
  const [{ filename }] = JSON.parse(told) as [{ filename: string }];
  return join(folder, filename);
}

/** An application of test/package/apps, copied elsewhere and installed there. */
export class InstalledApp {
  private constructor(private readonly folder: string) {}

  static async install(name: string, tarball: string): Promise<InstalledApp> {
    const app = new InstalledApp(await temporary(name));
    await cp(join(ROOT, 'test/package/apps', name), app.folder, { recursive: true });
    await app.add(tarball);
    return app;
  }

  add(...packages: string[]): Promise<string> {
    return npm(['install', '--no-audit', '--no-fund', ...packages], this.folder);
  }

  /** By the application's own TypeScript when it brings one. */
  compile(project = '.', ...options: string[]): Promise<string> {
    const own = join(this.folder, 'node_modules/typescript/bin/tsc');
    return run(process.execPath, [existsSync(own) ? own : TSC, '-p', project, ...options], this.folder);
  }

  /** Ends when the process ends by itself; rejects when it fails, or hangs. */
  node(file: string, { args = [], env = {} }: { args?: string[]; env?: NodeJS.ProcessEnv } = {}): Promise<string> {
    return run(process.execPath, [file, ...args], this.folder, env, 20_000);
  }
}

const npm = (args: string[], cwd: string): Promise<string> => {
  // Under npm its own file is known, and starting that needs no shell on any system.
  const own = process.env.npm_execpath;
  return own?.endsWith('npm-cli.js') ? run(process.execPath, [own, ...args], cwd) : run('npm', args, cwd);
};

/** What it printed on stdout; what it printed at all when it fails. */
async function run(file: string, args: string[], cwd: string, more: NodeJS.ProcessEnv = {}, timeout = 120_000) {
  const env = { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', NODE_ENV: undefined, ...more };
  try {
    const { stdout } = await promisify(execFile)(file, args, { cwd, env, timeout });
    return stdout;
  } catch (error) {
    const { killed, stdout, stderr } = error as { killed: boolean; stdout: string; stderr: string };
    const why = killed ? `was still running after ${timeout} ms` : 'failed';
    throw new Error(`${[file, ...args].join(' ')} ${why}\n${stdout}${stderr}`, { cause: error });
  }
}
