import { ask, limitsIn } from './api.js';
import { QuotaChart } from './chart.js';
import { decoratorOf } from './code.js';
import { copyOnPress } from './copy.js';
import { copyOf, find } from './dom.js';
import { LaneFields } from './lane-fields.js';

/** @typedef {import('./api.js').Answer} Answer */
/** @typedef {import('./numbers.js').Numbers} Numbers */
/** @typedef {{ remaining: number, resetAfter: number, blockedFor?: number }} Look spans in ms */

/** Seconds since the page was opened. */
export const now = () => performance.now() / 1_000;

/** One quota: an algorithm and a client, what was sent to it, what is left, and the code that sets its limit. */
export class Lane {
  element = copyOf('#lane-template');
  fields;
  counts = { sent: 0, allowed: 0, denied: 0 };
  isFull = false;
  #chart;
  /** @type {(Look & { at: number }) | undefined} */
  #look;
  /** When the last request was answered. */
  #answered = 0;
  /** When the last denial said to come back; Infinity: never. */
  #deniedUntil = 0;
  #blockedUntil = 0;
  #numbers;

  /**
   * @param {{ algorithm: string, client: string, numbers: () => Numbers }} options
   * @param {{ lanes: HTMLElement, fields: HTMLElement }} within
   * @param {{ changed: () => void, removed: () => void }} told
   */
  constructor({ algorithm, client, numbers }, within, { changed, removed }) {
    this.#numbers = numbers;
    this.fields = new LaneFields(
      { algorithm, client },
      { changed: () => (this.clear(), changed()), removed: () => (this.remove(), removed()) },
    );
    within.fields.append(this.fields.element);
    within.lanes.append(this.element);
    this.#chart = new QuotaChart(this.#part('.chart'));
    copyOnPress(find(this.element, '.copy', HTMLButtonElement), this.#part('pre code'));
    this.clear();
  }

  get name() {
    return this.fields.name;
  }

  /** What the server is to judge. */
  get demand() {
    const { limit, window, burst, cost, blockFor } = this.#numbers();
    const { algorithm, client } = this.fields;
    return { client, policy: { algorithm, limit, window, ...(this.takesBurst && { burst }), blockFor }, cost };
  }

  /** Whether its algorithm takes a burst. */
  get takesBurst() {
    return this.fields.facts?.defaultBurst !== undefined;
  }

  /** The most that can be left: the burst, where there is one. */
  get #capacity() {
    const { policy } = this.demand;
    const defaultBurst = this.fields.facts?.defaultBurst;
    return policy.burst ?? (typeof defaultBurst === 'number' ? defaultBurst : policy.limit);
  }

  /** How long it is still blocked, in seconds. */
  get blockedFor() {
    return Math.max(0, this.#blockedUntil - now());
  }

  /** @returns {Promise<Answer>} */
  async send() {
    this.counts.sent++;
    this.#show();
    const answer = await ask('POST', 'demo/requests', { body: this.demand });
    const told = limitsIn(answer).get('demo');
    if (told === undefined) {
      // Not judged at all: the policy is wrong, or nobody answers.
      this.counts.sent--;
      this.#show();
      return answer;
    }
    const isAllowed = answer.status === 200;
    this.counts[isAllowed ? 'allowed' : 'denied']++;
    const retryAfter = answer.field('retry-after');
    if (!isAllowed) this.#deniedUntil = retryAfter === null ? Infinity : now() + Number(retryAfter);
    // A denial has whole seconds only: what was known of the moment before stays.
    if (isAllowed) this.#take(answer.body);
    const isLocal = answer.field('x-decided-by') === 'this instance';
    this.#chart.mark({ at: now(), left: told.left, isAllowed, isLocal });
    this.#answered = performance.now();
    this.isFull = false;
    this.#show();
    return answer;
  }

  /**
   * What became of the requests that were just sent.
   *
   * @param {{ allowed: number, denied: number }} outcome
   */
  showVerdict({ allowed, denied }) {
    const isOne = allowed + denied === 1;
    for (const [name, count] of Object.entries({ allowed, denied })) {
      const badge = this.#part(`.badge.${name}`);
      badge.hidden = count === 0;
      badge.textContent = `${isOne ? '' : `${count} `}${name.toUpperCase()}`;
    }
  }

  /**
   * @param {Look} look what is left, as the server just said
   * @param {number} asked when it was asked: an answer that came since knows better
   */
  seen(look, asked) {
    if (asked < this.#answered) return;
    this.#take(look);
    this.isFull = look.resetAfter === 0;
    this.#show();
    this.draw();
  }

  /** @param {Look} look */
  #take({ remaining, resetAfter, blockedFor = 0 }) {
    const at = now();
    this.#look = { remaining, resetAfter, at };
    this.#blockedUntil = at + blockedFor / 1_000;
    this.#chart.block(at, this.#blockedUntil);
    // What is left when a block ends, only the quota knows.
    if (blockedFor > 0) return this.#chart.add(at, remaining, null);
    const left = this.fields.facts?.refillsAtOnce ? this.#capacity : remaining + 1;
    const next = { at: at + resetAfter / 1_000, left };
    this.#chart.add(at, remaining, resetAfter > 0 ? next : undefined);
  }

  /** Forgets what was sent; the quota stays as it is. */
  clear() {
    this.counts = { sent: 0, allowed: 0, denied: 0 };
    this.#look = undefined;
    this.#deniedUntil = this.#blockedUntil = 0;
    this.#chart.clear();
    this.showVerdict({ allowed: 0, denied: 0 });
    this.showSettings();
    this.draw();
  }

  remove() {
    this.fields.element.remove();
    this.element.remove();
  }

  /** Shows the settings as they are: the name, and the limit as code. */
  showSettings() {
    const { policy, cost } = this.demand;
    this.#part('pre code').textContent = decoratorOf({ ...policy, cost });
    this.#part('h3').textContent = this.name;
    this.element.setAttribute('aria-label', this.name);
    this.fields.show();
    this.#show();
  }

  draw() {
    this.#chart.scale(this.#capacity, this.#numbers().window / 1_000);
    this.#chart.draw(now());
    this.#part('.next').textContent = this.#next();
    this.#part('.next').classList.toggle('is-blocked', this.blockedFor > 0);
  }

  /** When the next request passes. */
  #next() {
    const { cost } = this.#numbers();
    if (this.#look === undefined) return '';
    if (this.blockedFor > 0) return `blocked for ${this.blockedFor.toFixed(1)} s`;
    const { remaining, resetAfter, at } = this.#look;
    if (cost <= remaining) return 'the next request passes now';
    if (cost > this.#capacity) return 'a request of this cost can never pass';
    const until = cost === remaining + 1 ? at + resetAfter / 1_000 : this.#deniedUntil;
    const wait = until - now();
    return wait > 0 && wait !== Infinity ? `the next request passes in ${wait.toFixed(1)} s` : '';
  }

  #show() {
    const left = this.#look?.remaining;
    this.#part('.remaining').textContent = left === undefined ? '–' : String(left);
    this.#part('.of').textContent = `of ${this.#capacity} left`;
    const { sent, allowed, denied } = this.counts;
    for (const [name, count] of Object.entries(this.counts)) this.#part(`.counts .${name} dd`).textContent = `${count}`;
    const told = `${left ?? 'Unknown'} of ${this.#capacity} left; ${sent} sent, ${allowed} allowed, ${denied} denied`;
    this.#part('.chart').setAttribute('aria-label', `The quota over time. ${told}.`);
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.element, selector, HTMLElement);
  }
}
