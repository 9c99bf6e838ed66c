// npm start: installs and builds what is missing, and runs the sample application.
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { isStale } from './stale.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
ensureInstalled();

const library = isStale('libs/rate-limit/dist', 'libs/rate-limit/src', 'libs/rate-limit/package.json');
if (library || isStale('apps/sample/dist/main.js', 'apps/sample/src')) {
  console.log('Building the library and the sample ...');
  const { status } = spawnSync('npm run build', { stdio: 'inherit', shell: true });
  if (status !== 0) process.exit(status ?? 1);
}

const sample = spawn(process.execPath, ['apps/sample/dist/main.js'], { stdio: 'inherit' });
// A terminal sends Ctrl-C to the sample as well: a second one would cut its shutdown short.
process.on('SIGINT', () => process.stdin.isTTY || sample.kill('SIGINT'));
process.on('SIGTERM', () => sample.kill('SIGTERM'));
// npm that is killed by its own pid takes its shell with it and tells nobody below.
const parent = process.ppid;
setInterval(() => process.ppid === parent || sample.kill('SIGTERM'), 500).unref();
sample.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
