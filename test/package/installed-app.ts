import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm, ROOT, run } from './commands.js';

/** In milliseconds. Several of them run side by side, and one is Jest with ts-jest. */
const HANGS_AFTER = 60_000;
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

  async write(file: string, text: string): Promise<void> {
    await writeFile(join(this.folder, file), text);
  }

  read(file: string): Promise<string> {
    return readFile(join(this.folder, file), 'utf8');
  }

  /** The packages that are installed, scoped ones by their scope. */
  async installed(): Promise<string[]> {
    const folders = await readdir(join(this.folder, 'node_modules'));
    return folders.filter((name) => !name.startsWith('.')).sort();
  }

  /** By the application's own TypeScript when it brings one. */
  compile(project = '.', ...options: string[]): Promise<string> {
    const own = join(this.folder, 'node_modules/typescript/bin/tsc');
    return run(process.execPath, [existsSync(own) ? own : TSC, '-p', project, ...options], this.folder);
  }

  /** Ends when the process ends by itself; rejects when it fails, or hangs. By default by the Node.js of the tests. */
  node(file: string, { args = [], env = {}, program = process.execPath }: Run = {}): Promise<string> {
    return run(program, [file, ...args], this.folder, env, HANGS_AFTER);
  }
}

interface Run {
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** Another Node.js. */
  program?: string;
}
