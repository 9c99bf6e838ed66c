import { ask, limitsIn, visitor } from './api.js';
import { showAnswer } from './answers.js';
import { copyOf, find, one, onPress } from './dom.js';

/** @typedef {{ allowed: number, denied: number, wouldDeny: number, nearLimit: number }} Counts */
/** @typedef {{ key?: string, blockedFor: number }} Blocked */
/** @typedef {'shadow' | 'enforce'} Mode */
/**
 * @typedef {object} WatchState
 * @property {string} instance
 * @property {({ policy: string } & Counts)[]} policies
 * @property {{ policy: string, key: string, denials: number }[]} deniedMost
 * @property {Blocked[] | null} blocked null: unknown, because Redis is away
 * @property {{ mode: Mode | null }} tighter null: unknown, because Redis is away
 */

const EVERY = 1_000;
/** How long the counts of an instance are shown after its last answer, in ms. */
const FORGOTTEN_AFTER = 10_000;
const COLUMNS = /** @type {const} */ (['allowed', 'denied', 'wouldDeny', 'nearLimit']);
const SHOWN = 5;
const GUESSES = 6;

/** The panel of what the limiter does. Behind a proxy several instances answer in turn: their counts are added up. */
export function startWatch() {
  const told = one('#watch-told', HTMLElement);
  const searched = one('#search-told', HTMLElement);
  const mode = one('#tighter-mode', HTMLButtonElement);
  const showBlocked = blockedIn(one('#blocked', HTMLElement), act);
  /** @type {Map<string, WatchState & { seen: number }>} */
  const instances = new Map();
  let isAsking = false;

  async function look() {
    if (document.hidden || isAsking) return;
    isAsking = true;
    const answer = await ask('GET', 'demo/watch');
    isAsking = false;
    if (answer.status !== 200) return;
    /** @type {WatchState} */
    const state = answer.body;
    instances.set(state.instance, { ...state, seen: performance.now() });
    for (const [name, { seen }] of instances) {
      if (performance.now() - seen > FORGOTTEN_AFTER) instances.delete(name);
    }
    const states = [...instances.values()];
    const counts = added(states);
    showCounts(counts);
    showDeniedMost(states);
    showBlocked(state.blocked);
    showTried(counts, state.tighter.mode);
  }

  /**
   * Does what an operator asks for. Then the panel shows the result.
   *
   * @param {string} path
   * @param {unknown} body
   * @param {string} done
   */
  async function act(path, body, done) {
    const answer = await ask('POST', `demo/watch/${path}`, { body });
    told.textContent = answer.status === 204 ? done : String(answer.body?.message ?? 'No answer.');
    await look();
  }

  async function guess() {
    let denied = 0;
    for (let i = 0; i < GUESSES; i++) {
      const answer = await ask('POST', 'api/login', { body: { name: 'alice', password: 'guess' } });
      showAnswer('login', answer);
      if (answer.status === 429) denied++;
    }
    told.textContent = `${GUESSES} wrong logins, ${denied} denied.`;
    await look();
  }

  /** @param {number} count */
  async function search(count) {
    const headers = { 'x-api-key': visitor };
    const answers = await Promise.all(Array.from({ length: count }, () => ask('GET', 'api/search', { headers })));
    for (const answer of answers) showAnswer('search', answer);
    const passed = answers.filter(({ status }) => status === 200).length;
    const names = [...new Set(answers.flatMap((answer) => [...limitsIn(answer).keys()]))];
    searched.textContent = `${count} sent, ${passed} passed. The answers name ${names.join(' and ') || 'no limit'}.`;
    await look();
  }

  onPress('#guess', () => void guess());
  onPress('[data-search]', (button) => void search(Number(button.dataset.search)));
  onPress('#tighter-mode', () => {
    const next = mode.dataset.mode === 'shadow' ? 'enforce' : 'shadow';
    void act('mode', { mode: next }, next === 'enforce' ? 'The tighter limit denies now.' : 'It only counts again.');
  });
  void look();
  setInterval(() => void look(), EVERY);
}

/**
 * @param {WatchState[]} states
 * @returns {Map<string, Counts>}
 */
function added(states) {
  /** @type {Map<string, Counts>} */
  const sums = new Map();
  for (const { policy, ...counts } of states.flatMap(({ policies }) => policies)) {
    const sum = sums.get(policy) ?? { allowed: 0, denied: 0, wouldDeny: 0, nearLimit: 0 };
    for (const column of COLUMNS) sum[column] += counts[column];
    sums.set(policy, sum);
  }
  return sums;
}

/** @param {Map<string, Counts>} counts */
function showCounts(counts) {
  if (counts.size === 0) return;
  const rows = Array.from(counts, ([policy, of]) => {
    const row = document.createElement('tr');
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = policy;
    row.append(name);
    for (const column of COLUMNS) {
      const cell = row.insertCell();
      cell.textContent = String(of[column]);
      if (of[column] > 0) cell.dataset.counts = column;
    }
    return row;
  });
  one('#decisions', HTMLTableSectionElement).replaceChildren(...rows);
}

/** @param {WatchState[]} states */
function showDeniedMost(states) {
  /** @type {Map<string, WatchState['deniedMost'][number]>} */
  const sums = new Map();
  for (const each of states.flatMap(({ deniedMost }) => deniedMost)) {
    const name = JSON.stringify([each.policy, each.key]);
    sums.set(name, { ...each, denials: each.denials + (sums.get(name)?.denials ?? 0) });
  }
  const most = [...sums.values()].sort((a, b) => b.denials - a.denials).slice(0, SHOWN);
  const rows = most.map(({ policy, key, denials }) => {
    const row = document.createElement('li');
    const caller = document.createElement('code');
    caller.textContent = key;
    row.append(caller, ` by ${policy}: ${denials}`);
    return row;
  });
  if (rows.length === 0) rows.push(lineOf('Nobody in the last minutes.'));
  one('#denied-most', HTMLElement).replaceChildren(...rows);
}

/**
 * The list of blocked callers. A caller keeps its row while it is blocked, so that the focus stays on its buttons.
 *
 * @param {HTMLElement} list
 * @param {(path: string, body: unknown, done: string) => Promise<void>} act
 */
function blockedIn(list, act) {
  /** @type {Map<string, HTMLElement>} */
  const rows = new Map();
  const note = lineOf('');

  /** @param {string | undefined} key */
  function rowOf(key) {
    const row = copyOf('#blocked-template');
    find(row, '.key', HTMLElement).textContent = key ?? 'a long key';
    for (const button of row.querySelectorAll('button')) {
      const path = button.dataset.act ?? '';
      button.setAttribute('aria-label', `${button.textContent?.trim()} ${key}`);
      button.disabled = key === undefined;
      button.addEventListener('click', () => void act(path, { key }, `${key} is not blocked any more.`));
    }
    return row;
  }

  /** @param {Blocked[] | null} blocked */
  return function show(blocked) {
    const now = new Map((blocked ?? []).map((each) => [each.key ?? '', each]));
    for (const [key, row] of rows) {
      if (now.has(key)) continue;
      row.remove();
      rows.delete(key);
    }
    for (const [name, { key, blockedFor }] of now) {
      const row = rows.get(name) ?? rowOf(key);
      if (!rows.has(name)) list.append(row);
      rows.set(name, row);
      write(find(row, '.still', HTMLElement), `${Math.ceil(blockedFor / 1_000)} s more`);
    }
    write(note, blocked === null ? 'Unknown while Redis is away.' : 'Nobody.');
    if (rows.size > 0) note.remove();
    else list.append(note);
  };
}

/**
 * @param {Map<string, Counts>} counts
 * @param {Mode | null} mode
 */
function showTried(counts, mode) {
  const none = { allowed: 0, denied: 0, wouldDeny: 0, nearLimit: 0 };
  const [enforced, tighter] = ['search', 'search-tighter'].map((name) => counts.get(name) ?? none);
  if (!enforced || !tighter) return;
  write(
    one('#enforced', HTMLElement),
    `20 in 10 s. Denied ${enforced.denied} of ${enforced.allowed + enforced.denied}.`,
  );
  const judged = tighter.allowed + tighter.denied + tighter.wouldDeny;
  const didDeny = tighter.denied > 0 ? `, and denied ${tighter.denied}` : '';
  write(
    one('#tighter', HTMLElement),
    `10 in 10 s, ${mode === null ? 'mode unknown while Redis is away' : mode === 'shadow' ? 'in shadow' : 'enforced'}. ` +
      `Would have denied ${tighter.wouldDeny} of ${judged}${didDeny}.`,
  );
  write(one('#near', HTMLElement), `${enforced.nearLimit} of 20, ${tighter.nearLimit} of 10`);
  const button = one('#tighter-mode', HTMLButtonElement);
  button.disabled = mode === null;
  if (mode === null) return;
  button.dataset.mode = mode;
  write(button, mode === 'shadow' ? 'Enforce the tighter limit' : 'Put it in shadow again');
}

/** @param {string} text */
function lineOf(text) {
  const line = document.createElement('li');
  line.textContent = text;
  return line;
}

/**
 * @param {HTMLElement} shown
 * @param {string} text
 */
function write(shown, text) {
  if (shown.textContent !== text) shown.textContent = text;
}
