// npm test: installs and builds what is missing, runs Jest, and closes with the slowest specs and one line of numbers.
// With --long also the tests that take minutes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { isStale } from './stale.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
await ensureInstalled();

// The tests of the package, and those that start processes of their own, use what users get.
if (isStale('libs/rate-limit/dist', 'libs/rate-limit/src', 'libs/rate-limit/package.json')) {
  console.log('Building the library ...');
  const { status } = spawnSync(process.execPath, ['scripts/build-library.mjs'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const folder = mkdtempSync(join(tmpdir(), 'test-summary-'));
const summary = join(folder, 'summary.json');
const isLong = process.argv.includes('--long');
const code = await jest(process.argv.slice(2).filter((arg) => arg !== '--long'));
for (const line of slowest()) console.log(line);
console.log(closingLine(code));
rmSync(folder, { recursive: true, force: true });
process.exit(code);

function jest(args) {
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  // After the arguments: this option would take the file names behind it for reporters.
  const reporters = ['--reporters=default', '--reporters=<rootDir>/test/support/summary-reporter.mjs'];
  const env = { ...process.env, TEST_SUMMARY_FILE: summary, ...(isLong && { TEST_LONG: '1' }) };
  const child = spawn(process.execPath, [...node, ...args, ...reporters], { stdio: 'inherit', env });
  // A terminal sends Ctrl-C to Jest as well; waiting for it here keeps the closing line the last.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.once('exit', (status, signal) => resolve(status ?? 128 + constants.signals[signal]));
  });
}

/** A suite or a set-up that could not run has no test that failed, and is still a failure. */
function closingLine(code) {
  const { passed, failed, skipped } = numbers();
  const told = failed === 0 && code !== 0 ? 1 : failed;
  return `${passed} passed, ${told} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** What makes a run long, in seconds; of a few specs nobody needs to be told. */
function slowest() {
  const specs = numbers().slowest;
  if (specs.length < 20) return [];
  return ['', 'The slowest:', ...specs.map(({ spec, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${spec}`), ''];
}

function numbers() {
  try {
    return JSON.parse(readFileSync(summary, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0, slowest: [] };
  }
}
