// Builds and packs the library, and looks at the tarball as its users will.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { linksIn } from '../library/pages.mjs';

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
/** In bytes, unpacked: both formats with their declarations, and the pages for users. A bound, so that growth is noticed. */
const MOST = 1_700_000;

const folder = mkdtempSync(join(tmpdir(), 'packed-'));
try {
  node('scripts/build-library.mjs');
  const { filename, files, size } = pack();
  const tarball = join(folder, filename);
  node('node_modules/publint/src/cli.js', 'run', tarball, '--strict');
  node('node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--no-emoji', '--no-color', '--format', 'ascii');
  report('Missing from the tarball or not wanted there', unexpected(files));
  report('Links of the tarball that lead nowhere', deadLinks(files));
  report(
    `Larger than ${MOST} bytes unpacked: scripts/library/pages.mjs says what is left out`,
    size > MOST ? [size] : [],
  );
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
  const [{ filename, files, unpackedSize }] = JSON.parse(stdout);
  return { filename, files: files.map(({ path }) => path), size: unpackedSize };
}

/** The package has each source compiled twice (the command line once), the declarations of its entries, and pages, and nothing else. */
function unexpected(files) {
  const sources = readdirSync(join(LIBRARY, 'src'), { recursive: true }).filter((path) => path.endsWith('.ts'));
  const built = (ext) =>
    sources.flatMap((path) =>
      (path.startsWith('cli') ? ['esm'] : ['esm', 'cjs']).map(
        (format) => `dist/${format}/${path.replace(/\.ts$/, ext)}`,
      ),
    );
  const wanted = new Set([...ROOT_FILES, 'dist/cjs/package.json', ...built('.js')]);
  const declarations = new Set(built('.d.ts'));
  const isPage = (path) => /^docs\/.+\.md$/.test(path);
  const tests = files.filter((path) => /\.(spec|test)\./.test(path));
  const missing = [...wanted].filter((path) => !files.includes(path));
  return [
    ...missing,
    ...files.filter((path) => !wanted.has(path) && !declarations.has(path) && !isPage(path)),
    ...tests,
  ];
}

function deadLinks(files) {
  return files
    .filter((path) => path.endsWith('.md'))
    .flatMap((page) =>
      linksIn(readFileSync(join(LIBRARY, page), 'utf8'))
        .filter((target) => !files.includes(posix.join(posix.dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
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
