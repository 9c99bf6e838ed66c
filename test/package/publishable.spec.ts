import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './commands.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'publishable-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A repository with the script that publishing runs first, and a CI that says so when it runs. */
function repository(ci: string): void {
  for (const name of ['scripts', '.ci']) mkdirSync(join(folder, name));
  cpSync(join(ROOT, 'scripts/publishable.mjs'), join(folder, 'scripts/publishable.mjs'));
  writeFileSync(join(folder, '.ci/run'), `touch ran; ${ci}\n`);
  writeFileSync(join(folder, '.gitignore'), 'ran\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'all');
}

const publish = (env = {}) =>
  spawnSync(process.execPath, ['scripts/publishable.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });

describe('npm publish', () => {
  it('is refused while a file is not committed, and runs nothing', () => {
    repository('true');
    writeFileSync(join(folder, 'new.ts'), '');
    const { status, stderr } = publish();
    expect([status, stderr]).toEqual([1, expect.stringContaining('?? new.ts')]);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('is refused when what CI runs fails', () => {
    repository('exit 3');
    expect(publish().status).toBe(3);
  });

  it('goes on when it passes, which a dry run does not disturb', () => {
    repository('test -z "$npm_config_dry_run"');
    expect(publish({ npm_config_dry_run: 'true' }).status).toBe(0);
    expect(existsSync(join(folder, 'ran'))).toBe(true);
  });
});
