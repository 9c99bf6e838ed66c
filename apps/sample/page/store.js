import { ask } from './api.js';
import { one } from './dom.js';

/**
 * @typedef {object} StoreState
 * @property {string} instance
 * @property {'memory' | 'redis'} store
 * @property {string} [place]
 * @property {boolean} isAway
 * @property {{ at: number, text: string }[]} news
 * @property {string} decidedBy
 * @property {number} took in ms
 */

/** @typedef {'fine' | 'away' | 'gone'} Health */

const EVERY = 1_000;
/** For how long an instance is shown that a proxy leads to no more, in ms. */
const FORGOTTEN_AFTER = 10_000;

const ABOUT = {
  memory:
    'Quotas are kept in this process: other instances do not share them, and they end with it. Start the sample with ' +
    'REDIS_URL=redis://localhost:6379 to share them. Then stop Redis while a stream runs, and see who decides.',
  fine:
    'All instances share these quotas. Stop or freeze Redis while a stream runs: requests wait a quarter of a second ' +
    'at most and soon not at all, each instance decides by itself from what Redis last said, and no request fails. ' +
    'When Redis is back it decides again, without a restart.',
  away:
    'Redis is away. This instance decides by itself, from what Redis last said. It tries Redis again every half a ' +
    'second. What is decided now is not charged later.',
};

/** The panel of the store: which one, how it is, what happened to it. Several instances are seen in turns. */
export function startStore() {
  /** @type {Map<string, StoreState & { seen: number }>} */
  const instances = new Map();
  let isAsking = false;

  async function look() {
    if (document.hidden || isAsking) return;
    isAsking = true;
    const answer = await ask('GET', 'demo/store');
    isAsking = false;
    if (answer.status !== 200) return show('gone', 'the application gives no answer');
    /** @type {StoreState} */
    const state = answer.body;
    instances.set(state.instance, { ...state, seen: performance.now() });
    for (const [name, { seen }] of instances) {
      if (performance.now() - seen > FORGOTTEN_AFTER) instances.delete(name);
    }
    const states = [...instances.values()];
    showInstances(states);
    showNews(states);
    const isAway = states.some(isWithout);
    one('#store-told', HTMLElement).textContent = ABOUT[state.store === 'memory' ? 'memory' : isAway ? 'away' : 'fine'];
    if (state.store === 'memory') show('fine', 'in memory');
    else show(isAway ? 'away' : 'fine', isAway ? 'Redis is away' : `Redis at ${state.place ?? 'an unknown place'}`);
  }

  void look();
  setInterval(() => void look(), EVERY);
}

/** @param {StoreState} state */
const isWithout = ({ isAway, decidedBy }) => isAway || decidedBy === 'this instance';

/**
 * @param {Health} health
 * @param {string} text
 */
function show(health, text) {
  const chip = one('#store-chip', HTMLElement);
  const shown = one('#store-chip .text', HTMLElement);
  chip.dataset.state = health;
  if (shown.textContent !== text) shown.textContent = text;
}

/** @param {StoreState[]} states */
function showInstances(states) {
  const rows = states.map((state) => {
    const row = document.createElement('div');
    row.className = 'instance';
    row.dataset.state = isWithout(state) ? 'away' : 'fine';
    const dot = document.createElement('span');
    dot.className = 'dot';
    dot.setAttribute('aria-hidden', 'true');
    const text = document.createElement('span');
    text.textContent = `${state.instance}: ${deciding(state)}`;
    row.append(dot, text);
    return row;
  });
  one('#instances', HTMLElement).replaceChildren(...rows);
}

/** @param {StoreState} state */
function deciding(state) {
  if (state.store === 'memory') return 'decides in its own memory';
  if (state.decidedBy === 'this instance') return `decides by itself: ${state.place ?? 'Redis'} is away`;
  const wavers = state.isAway ? ', which was away a moment ago' : '';
  return `asks Redis at ${state.place ?? 'an unknown place'}${wavers}; the last answer took ${state.took.toFixed(1)} ms`;
}

/** @param {StoreState[]} states */
function showNews(states) {
  const all = states.flatMap(({ instance, news }) => news.map((each) => ({ ...each, instance })));
  const rows = all
    .sort((a, b) => b.at - a.at)
    .slice(0, 6)
    .map(({ at, text, instance }) => {
      const row = document.createElement('li');
      const time = document.createElement('time');
      time.dateTime = new Date(at).toISOString();
      time.textContent = new Date(at).toLocaleTimeString();
      row.append(time, ' ', states.length > 1 ? `${instance}: ${text}` : text);
      return row;
    });
  one('#news', HTMLElement).replaceChildren(...rows);
}
