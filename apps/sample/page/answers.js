import { one } from './dom.js';
import { now } from './lane.js';

/** @typedef {import('./api.js').Answer} Answer */

const SHOWN = 60;
const FIELDS = ['ratelimit', 'ratelimit-policy', 'retry-after', 'x-decided-by'];

/**
 * Files an answer on top of the others.
 *
 * @param {string} who
 * @param {Answer} answer
 */
export function showAnswer(who, answer) {
  const table = one('#answers', HTMLTableSectionElement);
  table.querySelector('.empty')?.remove();
  const row = table.insertRow(0);
  const isAllowed = answer.status >= 200 && answer.status < 300;
  const [limit, policy, wait, decider] = FIELDS.map((name) => answer.field(name));
  for (const text of [
    now().toFixed(2),
    who,
    String(answer.status || 'none'),
    limit,
    policy,
    wait,
    typeOf(answer),
    decider,
  ]) {
    row.insertCell().textContent = text ?? '–';
  }
  row.cells[2]?.classList.add(isAllowed ? 'status-allowed' : 'status-denied');
  while (table.rows.length > SHOWN) table.deleteRow(-1);
}

export function clearAnswers() {
  const table = one('#answers', HTMLTableSectionElement);
  const row = document.createElement('tr');
  row.className = 'empty';
  const cell = row.insertCell();
  cell.colSpan = 8;
  cell.textContent = 'None yet. Send some.';
  table.replaceChildren(row);
}

/**
 * The last part of the problem type that the body of a refusal has.
 *
 * @param {Answer} answer
 */
const typeOf = ({ body }) => (typeof body?.type === 'string' ? body.type.replace(/^.*#/, '') : null);
