// npm test: says what it will do, installs and builds what is missing, runs Jest, and closes with the slowest specs and
// one line of numbers. With --long also the tests that take minutes.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import { announce } from './announce.mjs';
import { endBy, inForeground } from './foreground.mjs';
import { ensureInstalled } from './install.mjs';
import { libraryIsStale } from './stale.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const isLong = process.argv.includes('--long');
const args = process.argv.slice(2).filter((arg) => arg !== '--long');
announce({ args, isLong });
await ensureInstalled();

// The tests of the package, and those that start processes of their own, use what users get.
if (libraryIsStale()) {
  console.log('Building the library ...');
  const { status } = spawnSync(process.execPath, ['scripts/build-library.mjs'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

// All that a run writes to the temporary folder goes here, and with it in the end: of tests too that were cut short.
const folder = mkdtempSync(join(tmpdir(), 'rate-limit-tests-'));
const summary = join(folder, 'summary.json');
const { status, signal } = await jest();
for (const line of slowest()) console.log(line);
console.log(signal ? 'Interrupted.' : closingLine());
await serversEnded();
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
if (signal) endBy(signal);
process.exit(status);

function jest() {
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  // After the arguments: this option would take the file names behind it for reporters.
  const reporters = ['--reporters=default', '--reporters=<rootDir>/test/support/summary-reporter.mjs'];
  const temporary = { TMPDIR: folder, TMP: folder, TEMP: folder };
  const env = { ...process.env, ...temporary, TEST_SUMMARY_FILE: summary, ...(isLong && { TEST_LONG: '1' }) };
  return inForeground([process.execPath, ...node, ...args, ...reporters], { env });
}

/** When Jest was cut short, its reaper is still at work, and needs what lies in its folder. */
async function serversEnded() {
  const isAtWork = () => existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('redis-run-'));
  for (const deadline = Date.now() + 15_000; isAtWork() && Date.now() < deadline;) await sleep(50);
}

/** A suite or a set-up that could not run has no test that failed, and is still a failure. */
function closingLine() {
  const { passed, failed, skipped } = numbers();
  const told = failed === 0 && status !== 0 ? 1 : failed;
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
