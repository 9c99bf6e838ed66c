import { ask, limitsIn, visitor } from './api.js';
import { showAnswer } from './answers.js';
import { one, onPress } from './dom.js';
import { meterIn } from './meters.js';

/** @typedef {'raise' | 'set back'} Job */
/** @typedef {{ job: Job, tick: string, at: number, outcome: 'done' | 'done before' | 'failed', limit?: number }} Run */
/**
 * @typedef {object} ScheduleState
 * @property {string} instance
 * @property {number} limit
 * @property {number} [version] absent: Redis is away, and the limit is what the instance knows
 * @property {{ at: number, job: Job }} next
 * @property {Run} [last] what this instance did itself
 */

const EVERY = 1_000;
/** How many run the job for one click. */
const AT_ONCE = 2;

/** The panel of the limit that jobs change: what holds, what comes, and the jobs to run by hand. */
export function startSchedule() {
  const told = one('#trial-told', HTMLElement);
  const ran = one('#schedule-told', HTMLElement);
  const show = meterIn(one('#trial-meter', HTMLElement), 'trial', 5);
  /** What each instance did last. @type {Map<string, Run>} */
  const runs = new Map();
  /** @type {number | undefined} */
  let limit;
  /** Of the window that goes on, until then. */
  let used = { units: 0, until: 0 };
  let isAsking = false;

  async function look() {
    if (document.hidden || isAsking) return;
    isAsking = true;
    const answer = await ask('GET', 'demo/schedule');
    isAsking = false;
    if (answer.status !== 200) return;
    /** @type {ScheduleState} */
    const state = answer.body;
    if (state.last) runs.set(state.instance, state.last);
    showHeld(state);
    showNext(state.next);
    showLast(runs);
    limit = state.limit;
    showLeft();
  }

  /** What was used stays used, whatever the limit becomes. */
  function showLeft() {
    const isUsed = used.until > performance.now();
    if (limit !== undefined) show(isUsed ? Math.max(0, limit - used.units) : undefined, limit);
  }

  /** @param {number} count */
  async function send(count) {
    const headers = { 'x-api-key': visitor };
    const answers = await Promise.all(Array.from({ length: count }, () => ask('GET', 'api/trial', { headers })));
    for (const answer of answers) showAnswer('trial', answer);
    const limits = answers.flatMap((answer) => limitsIn(answer).get('trial') ?? []);
    const [least] = limits.sort((a, b) => a.left - b.left);
    if (!least) {
      told.textContent = String(answers[0]?.body?.message ?? 'No answer.');
      return;
    }
    const of = answers.flatMap((answer) => /;q=(\d+)/.exec(answer.field('ratelimit-policy') ?? '')?.[1] ?? []);
    limit = Math.max(...of.map(Number));
    used = { units: limit - least.left, until: performance.now() + least.seconds * 1_000 };
    showLeft();
    const passed = answers.filter(({ status }) => status === 200).length;
    told.textContent = `${count} sent, ${passed} passed: ${least.left} of ${limit} are left.`;
  }

  /** @param {Job} job */
  async function run(job) {
    const tick = crypto.getRandomValues(new Uint32Array(2)).join('-');
    const asked = Array.from({ length: AT_ONCE }, () => ask('POST', 'demo/schedule', { body: { job, tick } }));
    const answers = await Promise.all(asked);
    ran.textContent = answers.map(outcomeOf).join(' ');
    await look();
  }

  onPress('[data-trial]', (button) => void send(Number(button.dataset.trial)));
  onPress('[data-job]', (button) => void run(/** @type {Job} */ (button.dataset.job)));
  void look();
  setInterval(() => void look(), EVERY);
}

/** @param {import('./api.js').Answer} answer */
function outcomeOf({ status, body }) {
  if (status !== 200) return String(body?.message ?? 'No answer.');
  const { instance, outcome } = body;
  if (outcome === 'done before') return `${instance} found it already done.`;
  return `${instance} ${deed(body)}${outcome === 'failed' ? '; its log says why' : ''}.`;
}

/** @param {Run} run */
function deed({ job, outcome, limit }) {
  if (outcome === 'failed') return `could not ${job === 'raise' ? 'raise it' : 'set it back'}`;
  return job === 'raise' ? `raised it to ${limit}` : `set it back to ${limit}`;
}

/** @param {ScheduleState} state */
function showHeld({ limit, version }) {
  const origin =
    version === undefined
      ? 'the last limit this instance saw: Redis is away'
      : version === 0
        ? 'from the code'
        : `version ${version}`;
  write('#trial-limit', `${limit} a minute, ${origin}`);
}

/** @param {ScheduleState['next']} next */
function showNext({ at, job }) {
  const hour = new Date(at).toISOString().slice(11, 16);
  const minutes = Math.max(1, Math.ceil((at - Date.now()) / 60_000));
  write('#trial-next', `${job === 'raise' ? 'raised' : 'set back'} at ${hour} UTC, in ${minutes} min`);
}

/** @param {Map<string, Run>} runs */
function showLast(runs) {
  const [latest] = [...runs].sort(([, a], [, b]) => b.at - a.at);
  if (!latest) return;
  const [instance, run] = latest;
  write('#trial-last', `${instance} ${deed(run)} at ${new Date(run.at).toISOString().slice(11, 19)} UTC`);
}

/**
 * @param {string} selector
 * @param {string} text
 */
function write(selector, text) {
  const shown = one(selector, HTMLElement);
  if (shown.textContent !== text) shown.textContent = text;
}
