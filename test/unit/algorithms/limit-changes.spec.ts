import { readFileSync } from 'node:fs';
import { algorithmOf, type AlgorithmName } from '../../../libs/rate-limit/src/core/algorithms/index.js';
import { policy } from '../../support/timeline.js';

const page = readFileSync(new URL('../../../docs/algorithms.md', import.meta.url), 'utf8');
const chapter = page.slice(page.indexOf('## When a limit changes'), page.indexOf('## Blocks'));

const cellsOf = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const [head, , ...rows] = chapter.slice(chapter.indexOf('| at ')).split('\n\n')[0]!.split('\n').map(cellsOf);
const columns = head!.slice(3).map((cell) => /`([\w-]+)`/.exec(cell)![1] as AlgorithmName);

/** What the page says of a moment, in its words. */
function said(algorithm: AlgorithmName, column: number): [string, string][] {
  const { judge } = algorithmOf(algorithm);
  let state: unknown;
  return rows.map((cells) => {
    const [at, limit, cost] = cells.map((cell) => Number.parseInt(cell, 10));
    const rule = policy(algorithm, { limit: limit!, window: '10s', ...(algorithm === 'gcra' && { burst: 10 }) });
    const judged = judge(rule, state, cost!, at! * 1_000);
    state = judged.state;
    const outcome = judged.allowed ? `${judged.remaining} left` : `denied, ${judged.retryAfter / 1_000} s`;
    return [outcome, cells[column]!];
  });
}

describe('the timeline of a limit that changes, as the documentation tells it', () => {
  it.each(columns.map((algorithm, i) => [algorithm, i + 3] as const))('%s', (algorithm, column) => {
    const moments = said(algorithm, column);
    expect(moments).toHaveLength(4);
    expect(moments.map(([judged]) => judged)).toEqual(moments.map(([, told]) => told));
  });

  it('is told of all algorithms', () => {
    expect(columns).toEqual(['fixed-window', 'sliding-window', 'sliding-log', 'token-bucket', 'gcra']);
  });
});
