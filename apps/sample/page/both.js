import { ask, limitsIn, visitor } from './api.js';
import { showAnswer } from './answers.js';
import { one, onPress } from './dom.js';
import { meterIn } from './meters.js';

/** The window of `burst`, in ms. */
const SECOND = 1_000;

/** The panel of two policies: none is charged by what the other denies. */
export function startBoth() {
  const meters = one('#both-meters', HTMLElement);
  const told = one('#both-told', HTMLElement);
  const show = { burst: meterIn(meters, 'burst', 5), hourly: meterIn(meters, 'hourly', 20) };
  let client = 1;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let refill;

  /** @param {{ burst?: number, hourly?: number }} left */
  const showAll = (left) => (show.burst(left.burst), show.hourly(left.hourly));
  showAll({});

  onPress('[data-reports]', (button) => void send(Number(button.dataset.reports)));
  onPress('#another-client', () => {
    client++;
    clearTimeout(refill);
    showAll({});
    told.textContent = 'You now send as another client. Its quotas are full.';
  });

  /** @param {number} count */
  async function send(count) {
    const headers = { 'x-api-key': `${visitor}-${client}` };
    const asked = Array.from({ length: count }, () => ask('GET', 'api/report', { headers }));
    const tally = { allowed: 0, burst: 0, hourly: 0 };
    let answer;
    for (answer of await Promise.all(asked)) {
      showAnswer(`report · client ${client}`, answer);
      if (answer.status === 200) tally.allowed++;
      for (const name of answer.body?.['violated-policies'] ?? []) tally[/** @type {'burst' | 'hourly'} */ (name)]++;
    }
    const left = lowest(await Promise.all(asked));
    showAll(left);
    clearTimeout(refill);
    // A fixed window comes back as a whole.
    refill = setTimeout(() => show.burst(undefined), SECOND);
    told.textContent =
      left.burst === undefined
        ? String(answer?.body?.message ?? 'The application gave no answer.')
        : `${count} sent, ${tally.allowed} passed. ${deniedBy(tally)} The hourly quota paid for the requests that passed, and for nothing else.`;
  }
}

/** @param {{ burst: number, hourly: number }} tally */
function deniedBy({ burst, hourly }) {
  if (burst + hourly === 0) return '';
  const by = [burst > 0 && `"burst" ${burst}`, hourly > 0 && `"hourly" ${hourly}`].filter(Boolean);
  return `Denied by ${by.join(', by ')}.`;
}

/**
 * Answers overtake one another; the least that one of them told is the latest.
 *
 * @param {import('./api.js').Answer[]} answers
 */
function lowest(answers) {
  /** @type {{ burst?: number, hourly?: number }} */
  const left = {};
  for (const [name, { left: told }] of answers.flatMap((answer) => [...limitsIn(answer)])) {
    const known = left[/** @type {'burst' | 'hourly'} */ (name)];
    left[/** @type {'burst' | 'hourly'} */ (name)] = Math.min(known ?? Infinity, told);
  }
  return left;
}
