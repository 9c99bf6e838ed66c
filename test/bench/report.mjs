// node test/bench/report.mjs: lines and tables in the documents, and plots beside the figures they are made from.
//
//   --check   writes nothing, and fails when they are not what the figures give
//
// Needs the workspace's packages, and none of those that are compared with.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled } from '../../scripts/install.mjs';
import { filled, namesIn } from './report/blocks.mjs';

const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
await ensureInstalled();

const DOCUMENTS = ['docs/performance.md', 'docs/performance-figures.md'];
const FOLDER = 'docs/performance';
/** Figures, and the module whose `report` makes `{ texts, plots }` of them, each by name. */
const REPORTS = { 'store.json': './report/store.mjs', 'http.json': './http/report.mjs' };

const { formatted } = await import('./report/formatted.mjs');
const texts = {};
const files = {};
for (const [name, module] of Object.entries(REPORTS)) {
  if (!existsSync(`${FOLDER}/${name}`) || !existsSync(new URL(module, import.meta.url))) continue;
  const { report } = await import(module);
  const made = report(JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8')));
  Object.assign(texts, made.texts);
  for (const [plot, svg] of Object.entries(made.plots)) files[`${FOLDER}/${plot}`] = svg;
}
const shown = [];
for (const document of DOCUMENTS) {
  const text = readFileSync(document, 'utf8');
  shown.push(...namesIn(text));
  files[document] = await formatted(document, filled(text, texts));
}

const outdated = Object.entries(files).filter(([file, content]) => read(file) !== content);
if (check) {
  for (const [file] of outdated) console.error(`${file} is not what the figures give: node test/bench/report.mjs`);
  process.exit(outdated.length === 0 ? 0 : 1);
}
mkdirSync(FOLDER, { recursive: true });
for (const [file, content] of outdated) {
  writeFileSync(file, content);
  console.log(file);
}
const left = Object.keys(texts).filter((name) => !shown.includes(name));
if (left.length > 0) console.log(`Not shown in any document: ${left.join(', ')}`);
const empty = shown.filter((name) => texts[name] === undefined);
if (empty.length > 0) console.log(`Shown without figures: ${empty.join(', ')}`);

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
