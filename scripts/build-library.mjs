// Builds the package twice, as ES modules and as CommonJS, each with declarations: NestJS 12 is the one, and most
// NestJS 11 applications are the other.
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const library = new URL('libs/rate-limit/', root);
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

rmSync(new URL('dist', library), { recursive: true, force: true });
for (const format of ['esm', 'cjs']) {
  const project = fileURLToPath(new URL(`tsconfig.${format}.json`, library));
  execFileSync(process.execPath, [tsc, '-p', project], { stdio: 'inherit' });
}
// The package is "type": "module"; this half of it is not.
writeFileSync(new URL('dist/cjs/package.json', library), '{ "type": "commonjs" }\n');
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) copyFileSync(new URL(file, root), new URL(file, library));
