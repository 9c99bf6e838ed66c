import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function npm(args: string[], cwd: string): Promise<string> {
  // Under npm its own file is known, and starting that needs no shell on any system.
  const own = process.env.npm_execpath;
  return own?.endsWith('npm-cli.js') ? run(process.execPath, [own, ...args], cwd) : run('npm', args, cwd);
}

/** What it printed on stdout; what it printed at all when it fails. */
export async function run(
  file: string,
  args: string[],
  cwd: string,
  more: NodeJS.ProcessEnv = {},
  timeout = 120_000,
): Promise<string> {
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
