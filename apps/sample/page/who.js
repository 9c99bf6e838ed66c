import { ask, limitsIn, visitor } from './api.js';
import { showAnswer } from './answers.js';
import { copyOf, find, one, onPress } from './dom.js';

/** @typedef {import('./api.js').Answer} Answer */

/**
 * A caller with this API key, or with none.
 *
 * @typedef {{ name: string, apiKey: string | undefined, about: string }} Client
 */

/** By the group that shows them, which is an endpoint. @type {Record<string, Client[]>} */
const CLIENTS = {
  weather: [
    { name: 'no API key', apiKey: undefined, about: 'counted by address' },
    { name: 'free-key', apiKey: 'free-key', about: 'has the plan “free”' },
    { name: 'pro-key', apiKey: 'pro-key', about: 'has the plan “pro”' },
  ],
  feed: [
    { name: 'your key', apiKey: visitor, about: 'is on no list' },
    { name: 'partner-key', apiKey: 'partner-key', about: 'is on the allow list' },
    { name: 'leaked-key', apiKey: 'leaked-key', about: 'is on the deny list' },
  ],
};

/** The panel of callers: the limit of a request depends on the API key that it carries. */
export function startWho() {
  const told = one('#who-told', HTMLElement);
  const rows = Object.entries(CLIENTS).flatMap(([endpoint, clients]) =>
    clients.map((client) => rowIn(one(`#${endpoint}`, HTMLElement), endpoint, client)),
  );
  for (const { button, send } of rows) button.addEventListener('click', async () => (told.textContent = await send(1)));
  onPress('[data-each]', async (pressed) => {
    const count = Number(pressed.dataset.each);
    told.textContent = (await Promise.all(rows.map(({ send }) => send(count)))).join(' ');
  });
}

/**
 * @param {HTMLElement} within
 * @param {string} endpoint
 * @param {Client} client
 */
function rowIn(within, endpoint, { name, apiKey, about }) {
  const row = copyOf('#client-template');
  const button = find(row, 'button', HTMLButtonElement);
  const status = find(row, '.status', HTMLElement);
  const outcome = find(row, '.outcome', HTMLElement);
  const fields = find(row, '.wire', HTMLElement);
  button.textContent = apiKey === undefined ? 'Send without a key' : `Send with ${name}`;
  button.setAttribute('aria-label', `${button.textContent} to ${endpoint}`);
  outcome.textContent = about;
  within.append(row);

  /** @param {number} count */
  async function send(count) {
    const with_ = apiKey === undefined ? {} : { headers: { 'x-api-key': apiKey } };
    const asked = Array.from({ length: count }, () => ask('GET', `api/${endpoint}`, with_));
    const answers = await Promise.all(asked);
    for (const answer of answers) showAnswer(`${endpoint} · ${name}`, answer);
    const answer = last(answers);
    status.textContent = String(answer.status || 'none');
    status.className = `status ${answer.status === 200 ? 'status-allowed' : 'status-denied'}`;
    outcome.textContent = outcomeOf(answer);
    fields.textContent = fieldsOf(answer);
    const passed = answers.filter(({ status }) => status === 200).length;
    return `${name}: ${passed} of ${count} passed, ${outcomeOf(answer)}.`;
  }
  return { button, send };
}

/**
 * Answers overtake one another: the one with the least left is the latest, and a denial is later still.
 *
 * @param {Answer[]} answers
 * @returns {Answer}
 */
function last(answers) {
  /** @param {Answer} answer */
  const left = (answer) => (answer.status === 200 ? ([...limitsIn(answer).values()][0]?.left ?? 0) : -1);
  return answers.reduce((latest, each) => (left(each) < left(latest) ? each : latest));
}

/** @param {Answer} answer */
function outcomeOf(answer) {
  if (answer.status === 0 || (answer.status >= 400 && ![403, 429].includes(answer.status))) {
    return String(answer.body?.message ?? 'an error');
  }
  if (answer.status === 403) return 'refused, and waiting does not help';
  const [limit] = limitsIn(answer).values();
  if (limit === undefined) return 'not counted';
  const most = /;q=(\d+)/.exec(answer.field('ratelimit-policy') ?? '')?.[1];
  const wait = answer.status === 429 ? `, try again in ${answer.field('retry-after') ?? limit.seconds} s` : '';
  return `${limit.left} of ${most ?? '?'} left${wait}`;
}

/** @param {Answer} answer */
function fieldsOf(answer) {
  const told = ['RateLimit', 'Retry-After'].flatMap((name) => {
    const value = answer.field(name);
    return value === null ? [] : `${name}: ${value}`;
  });
  return told.length > 0 ? told.join(' · ') : 'no RateLimit field';
}
