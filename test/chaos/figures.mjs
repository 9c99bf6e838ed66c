// node test/chaos/figures.mjs FILE: the table of docs/reliability.md, from what CHAOS_FIGURES=FILE npm run test:chaos wrote.
import { readFileSync } from 'node:fs';

const lines = readFileSync(process.argv[2], 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const number = (value) => value.toLocaleString('en');
const row = ({ fault, sent, wrong, byRedis, locally, waited, slowest, used, admitted, extra, lost }) => [
  fault,
  number(sent),
  number(wrong),
  number(byRedis),
  number(locally),
  number(waited),
  `${Math.round(slowest)} ms`,
  number(extra ?? (used === undefined ? 0 : used - admitted)),
  number(lost ?? 0),
];

const head = ['', 'requests', 'wrong answers', 'by Redis', 'locally', 'waited', 'slowest', 'charged, not told', 'lost'];
for (const cells of [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...lines.map(row)]) {
  console.log(`| ${cells.join(' | ')} |`);
}
