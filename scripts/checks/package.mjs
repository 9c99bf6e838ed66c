// Builds and packs the library, and looks at the tarball as its users will.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LIBRARY = 'libs/rate-limit';
const ROOT_FILES = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'conformance/package.json',
  'engine/package.json',
  'openapi/package.json',
];

const folder = mkdtempSync(join(tmpdir(), 'packed-'));
try {
  node('scripts/build-library.mjs');
  const { filename, files } = pack();
  const tarball = join(folder, filename);
  node('node_modules/publint/src/cli.js', 'run', tarball, '--strict');
  node('node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--no-emoji', '--no-color', '--format', 'ascii');
  report('Missing from the tarball or not wanted there', unexpected(files));
  report('Declarations that lost their comments', uncommented());
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function node(...command) {
  if (spawnSync(process.execPath, command, { stdio: 'inherit' }).status !== 0) process.exitCode = 1;
}

function pack() {
  const command = `npm pack --ignore-scripts --json --pack-destination ${JSON.stringify(folder)}`;
  const { status, stdout, stderr } = spawnSync(command, { cwd: LIBRARY, shell: true, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm pack failed\n${stderr}`);
  const [{ filename, files }] = JSON.parse(stdout);
  return { filename, files: files.map(({ path }) => path) };
}

/** Every source comes twice compiled, with its declarations and a map that leads back to it; and nothing else comes. */
function unexpected(files) {
  const sources = files.filter((path) => /^src\/.*\.ts$/.test(path));
  const scripts = files.filter((path) => /^src\/stores\/redis\/lua\/[^/]+\.lua$/.test(path));
  const compiled = sources.flatMap((source) => {
    const name = source.slice('src/'.length, -'.ts'.length);
    return ['esm', 'cjs'].flatMap((format) => ['js', 'js.map', 'd.ts'].map((ext) => `dist/${format}/${name}.${ext}`));
  });
  const wanted = new Set([...ROOT_FILES, 'src/index.ts', 'dist/cjs/package.json', ...sources, ...scripts, ...compiled]);
  const tests = sources.filter((path) => /\.(spec|test)\.ts$/.test(path));
  const missing = [...wanted].filter((path) => !files.includes(path));
  return [...missing, ...files.filter((path) => !wanted.has(path)), ...tests];
}

/** removeComments, which the Nest template sets, would take the documentation out of the editors. */
function uncommented() {
  const declarations = ['esm', 'cjs'].map((format) => `dist/${format}/nest/decorators/rate-limit.decorator.d.ts`);
  return declarations.filter((path) => !readFileSync(join(LIBRARY, path), 'utf8').includes('Limits a handler'));
}

function report(what, paths) {
  if (paths.length === 0) return;
  console.error(`${what}:\n  ${paths.join('\n  ')}`);
  process.exitCode = 1;
}
