// node scripts/draw-algorithms.mjs: the pictures of docs/choosing-an-algorithm.md, from the algorithms themselves.
//
//   --check   writes nothing, and fails when the committed pictures are not what the algorithms give
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
await ensureInstalled();

const FOLDER = 'docs/pictures';
const { pictures } = await import('./pictures/scenarios.mjs');

const committed = Object.fromEntries(read().map((name) => [name, readFileSync(`${FOLDER}/${name}`, 'utf8')]));
const outdated = Object.entries(pictures).filter(([name, svg]) => committed[name] !== svg);
const unknown = Object.keys(committed).filter((name) => !(name in pictures));
if (process.argv.includes('--check')) {
  for (const [name] of outdated) {
    console.error(`${FOLDER}/${name} is out of date: run node scripts/draw-algorithms.mjs`);
  }
  for (const name of unknown) console.error(`${FOLDER}/${name} belongs to no algorithm: remove it`);
  process.exit(outdated.length + unknown.length === 0 ? 0 : 1);
}
mkdirSync(FOLDER, { recursive: true });
for (const [name, svg] of outdated) {
  writeFileSync(`${FOLDER}/${name}`, svg);
  console.log(`${FOLDER}/${name}`);
}

function read() {
  try {
    return readdirSync(FOLDER).filter((name) => name.endsWith('.svg'));
  } catch {
    return [];
  }
}
