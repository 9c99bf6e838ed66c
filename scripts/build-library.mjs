// Builds the package twice, as ES modules and as CommonJS, each with declarations: NestJS 12 is the one, and most
// NestJS 11 applications are the other.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { compact } from './library/compact.mjs';
import { copyPages } from './library/pages.mjs';

const root = new URL('../', import.meta.url);
const library = new URL('libs/rate-limit/', root);
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

// Built aside and renamed: a build that fails leaves nothing that the next npm test would take for fresh, and who reads
// meanwhile reads no half of one.
const aside = new URL(`dist.${process.pid}/`, library);
const done = new URL('dist', library);
try {
  for (const format of ['esm', 'cjs']) {
    const project = fileURLToPath(new URL(`tsconfig.${format}.json`, library));
    const folder = fileURLToPath(new URL(format, aside));
    execFileSync(process.execPath, [tsc, '-p', project, '--outDir', folder], { stdio: 'inherit' });
    compact(folder, { entries: entriesOf(format), isModule: format === 'esm' });
  }
  // The package is "type": "module"; this half of it is not.
  writeFileSync(new URL('cjs/package.json', aside), '{ "type": "commonjs" }\n');
  rmSync(done, { recursive: true, force: true });
  renameSync(aside, done);
} catch (error) {
  // TypeScript has said what is wrong.
  if (error.status === undefined) throw error;
  process.exitCode = error.status ?? 1;
} finally {
  rmSync(aside, { recursive: true, force: true });
}
// An image of the sample is built without them.
if (existsSync(new URL('docs', root))) copyPages(fileURLToPath(root), fileURLToPath(library));

/** The declarations that package.json names. */
function entriesOf(format) {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', library), 'utf8'));
  const condition = { esm: 'import', cjs: 'require' }[format];
  return Object.values(exports).flatMap((entry) => entry[condition]?.types.replace(`./dist/${format}/`, '') ?? []);
}
