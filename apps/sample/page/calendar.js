import { ask, limitsIn, visitor } from './api.js';
import { showAnswer } from './answers.js';
import { copyOf, find, one, onPress } from './dom.js';
import { meterIn } from './meters.js';

const LIMIT = 10;
const EVERY = 250;

/** Whose months they are. The zone is where they read the clock. */
const CUSTOMERS = [
  { apiKey: 'free-key', timeZone: 'Europe/Berlin', city: 'Berlin', about: 'subscribed on a 31st, in Berlin' },
  { apiKey: 'pro-key', timeZone: 'America/New_York', city: 'New York', about: 'subscribed on a 15th, in New York' },
];

/** The panel of quotas that reset by the calendar. */
export function startCalendar() {
  startMinute();
  for (const customer of CUSTOMERS) startMonth(customer);
}

function startMinute() {
  const told = one('#minute-told', HTMLElement);
  const ends = one('#minute-ends', HTMLElement);
  const show = meterIn(one('#minute-meter', HTMLElement), 'minute', LIMIT);
  /** When the window ends, by the clock that `performance.now()` reads. @type {number | undefined} */
  let end;
  show(undefined);

  /** @param {number} count */
  async function send(count) {
    const headers = { 'x-api-key': visitor };
    const answers = await Promise.all(Array.from({ length: count }, () => ask('GET', 'api/minute', { headers })));
    for (const answer of answers) showAnswer('minute', answer);
    const limits = answers.flatMap((answer) => limitsIn(answer).get('minute') ?? []);
    const [least] = limits.sort((a, b) => a.left - b.left);
    if (!least) {
      told.textContent = String(answers[0]?.body?.message ?? 'No answer.');
      return;
    }
    const passed = answers.filter(({ status }) => status === 200).length;
    told.textContent = `${count} sent, ${passed} passed: ${least.left} of ${LIMIT} are left.`;
    show(least.left);
    end = performance.now() + least.seconds * 1_000;
    countDown();
  }

  /** Counts down, and shows the full quota when the window is over. */
  function countDown() {
    if (end === undefined) return;
    const rest = Math.ceil((end - performance.now()) / 1_000);
    if (rest > 0) {
      ends.textContent = `at ${timeIn(rest)}, in ${rest} s`;
      return;
    }
    end = undefined;
    show(undefined);
    told.textContent = 'The minute is over. The quota is full again.';
    ends.textContent = 'at the next full minute';
  }

  onPress('[data-minute]', (button) => void send(Number(button.dataset.minute)));
  setInterval(countDown, EVERY);
}

/** @param {typeof CUSTOMERS[number]} customer */
function startMonth({ apiKey, timeZone, city, about }) {
  const row = copyOf('#client-template');
  const button = find(row, 'button', HTMLButtonElement);
  const status = find(row, '.status', HTMLElement);
  const outcome = find(row, '.outcome', HTMLElement);
  const fields = find(row, '.wire', HTMLElement);
  button.textContent = `Export with ${apiKey}`;
  outcome.textContent = about;
  one('#months', HTMLElement).append(row);

  button.addEventListener('click', async () => {
    const answer = await ask('GET', 'api/export', { headers: { 'x-api-key': apiKey } });
    showAnswer(`export · ${apiKey}`, answer);
    const limit = limitsIn(answer).get('monthly');
    status.textContent = String(answer.status || 'none');
    status.className = `status ${answer.status === 200 ? 'status-allowed' : 'status-denied'}`;
    outcome.textContent = limit
      ? `${limit.left} left until ${dateIn(limit.seconds, timeZone)} in ${city}`
      : String(answer.body?.message ?? 'No answer.');
    fields.textContent = limit ? `RateLimit: ${answer.field('ratelimit')}` : 'no RateLimit field';
  });
}

const MINUTE = 60_000;
/** Windows end at full minutes. Header fields have whole seconds and answers take a while, so the sum is a bit more. */
const endIn = (/** @type {number} */ seconds) => Math.round((Date.now() + seconds * 1_000) / MINUTE) * MINUTE;

/** @param {number} seconds */
const timeIn = (seconds) => new Date(endIn(seconds)).toLocaleTimeString();

/**
 * @param {number} seconds
 * @param {string} timeZone
 */
const dateIn = (seconds, timeZone) =>
  new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  }).format(endIn(seconds));
