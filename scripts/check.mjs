// npm run check: everything but the tests. All checks run, also when one fails.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';

// The slow ones first.
const CHECKS = {
  package: ['scripts/checks/package.mjs'],
  eslint: ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0'],
  types: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
  page: ['node_modules/typescript/bin/tsc', '-p', 'apps/sample/page'],
  prettier: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
  layers: ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', 'libs/rate-limit/src', 'apps'],
  lua: ['scripts/bundle-lua.mjs', '--check'],
  reference: ['node_modules/typedoc/bin/typedoc'],
  figures: ['test/bench/report.mjs', '--check'],
  pictures: ['scripts/draw-algorithms.mjs', '--check'],
  repository: ['scripts/checks/repository.mjs'],
};
const AT_A_TIME = 2;

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
await ensureInstalled();

const waiting = Object.entries(CHECKS);
const failed = [];
await Promise.all(Array.from({ length: AT_A_TIME }, worker));
console.log(failed.length === 0 ? 'All checks are fine.' : `Checks that failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function worker() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [name, command] = next;
    const began = performance.now();
    const { isFine, output } = await run(command);
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(`${isFine ? 'fine  ' : 'FAILED'} ${name} (${seconds} s)`);
    if (isFine) continue;
    failed.push(name);
    console.log(output);
  }
}

/** Quiet, unless something is wrong. */
function run(command) {
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve) => child.once('close', (status) => resolve({ isFine: status === 0, output })));
}
