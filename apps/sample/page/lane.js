import { ALGORITHMS } from './algorithms.js';
import { ask, limitsIn } from './api.js';
import { QuotaChart } from './chart.js';
import { copyOf, find } from './dom.js';

/** @typedef {import('./api.js').Answer} Answer */
/** @typedef {import('./numbers.js').Numbers} Numbers */
/** @typedef {{ remaining: number, resetAfter: number, blockedFor?: number }} Look spans in ms */

/** Seconds since the page was opened. */
export const now = () => performance.now() / 1_000;

/** One quota: an algorithm and a client, what was sent to it and what is left. */
export class Lane {
  element = copyOf('#lane-template');
  counts = { sent: 0, allowed: 0, denied: 0 };
  isFull = false;
  #chart;
  #algorithm = find(this.element, '[name=algorithm]', HTMLSelectElement);
  #client = find(this.element, '[name=client]', HTMLInputElement);
  /** @type {(Look & { at: number }) | undefined} */
  #look;
  /** When the last request was answered. */
  #answered = 0;
  /** When the last denial said to come back; Infinity: never. */
  #deniedUntil = 0;
  #blockedUntil = 0;
  #numbers;

  /**
   * @param {{ algorithm: string, client: string, within: HTMLElement, numbers: () => Numbers }} options
   * @param {{ changed: () => void, removed: () => void }} told
   */
  constructor({ algorithm, client, within, numbers }, { changed, removed }) {
    this.#numbers = numbers;
    this.#algorithm.append(...ALGORITHMS.map(({ name, title }) => new Option(title, name)));
    this.#algorithm.value = algorithm;
    this.#client.value = client;
    within.append(this.element);
    this.#chart = new QuotaChart(this.#part('.chart'));
    const anew = () => (this.clear(), this.#rename(), changed());
    this.#algorithm.addEventListener('change', anew);
    this.#client.addEventListener('change', anew);
    find(this.element, '.remove', HTMLButtonElement).addEventListener(
      'click',
      () => (this.element.remove(), removed()),
    );
    this.clear();
    this.#rename();
  }

  get name() {
    return `${this.#algorithm.selectedOptions[0]?.text ?? ''} · ${this.#client.value}`;
  }

  get client() {
    return this.#client.value;
  }

  /** What the server is to judge. */
  get demand() {
    const { limit, window, burst, cost, blockFor } = this.#numbers();
    const algorithm = this.#algorithm.value;
    const policy = { algorithm, limit, window, ...(this.takesBurst && { burst }), blockFor };
    return { client: this.client, policy, cost };
  }

  get #facts() {
    return ALGORITHMS.find(({ name }) => name === this.#algorithm.value);
  }

  /** Whether its algorithm takes a burst. */
  get takesBurst() {
    return this.#facts?.defaultBurst !== undefined;
  }

  /** The most that can be left: the burst, where there is one. */
  get #capacity() {
    const { policy } = this.demand;
    const defaultBurst = this.#facts?.defaultBurst;
    return policy.burst ?? (typeof defaultBurst === 'number' ? defaultBurst : policy.limit);
  }

  /** How long a block of it stands still, in seconds. */
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
    // A denial tells whole seconds only: what was known before of the moment stays.
    if (isAllowed) this.#take(answer.body);
    const isLocal = answer.field('x-decided-by') === 'this instance';
    this.#chart.mark({ at: now(), left: told.left, isAllowed, isLocal });
    this.#answered = performance.now();
    this.isFull = false;
    this.#show();
    return answer;
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
    const left = this.#facts?.refillsAtOnce ? this.#capacity : remaining + 1;
    const next = { at: at + resetAfter / 1_000, left };
    this.#chart.add(at, remaining, resetAfter > 0 ? next : undefined);
  }

  #rename() {
    this.element.setAttribute('aria-label', this.name);
    this.#part('.remove').setAttribute('aria-label', `Remove ${this.name}`);
  }

  /** Forgets what was sent; the quota stays as it is. */
  clear() {
    this.counts = { sent: 0, allowed: 0, denied: 0 };
    this.#look = undefined;
    this.#deniedUntil = this.#blockedUntil = 0;
    this.#chart.clear();
    this.#part('.about').textContent = this.#facts?.about ?? '';
    this.#show();
    this.draw();
  }

  draw() {
    this.#chart.scale(this.#capacity, this.#numbers().window / 1_000);
    this.#chart.draw(now());
    this.#part('.next').textContent = this.#next();
    this.#part('.next').classList.toggle('is-blocked', this.blockedFor > 0);
  }

  /** When the next one passes. */
  #next() {
    const { cost } = this.#numbers();
    if (this.#look === undefined) return '';
    if (this.blockedFor > 0) return `blocked for ${this.blockedFor.toFixed(1)} s`;
    const { remaining, resetAfter, at } = this.#look;
    if (cost <= remaining) return 'the next one passes now';
    if (cost > this.#capacity) return 'such a one can never pass';
    const until = cost === remaining + 1 ? at + resetAfter / 1_000 : this.#deniedUntil;
    const wait = until - now();
    return wait > 0 && wait !== Infinity ? `the next one passes in ${wait.toFixed(1)} s` : '';
  }

  #show() {
    const left = this.#look?.remaining;
    this.#part('.remaining').textContent = left === undefined ? '–' : String(left);
    this.#part('.of').textContent = `of ${this.#capacity} left`;
    this.#part('.sent').textContent = String(this.counts.sent);
    this.#part('.allowed dd').textContent = String(this.counts.allowed);
    this.#part('.denied dd').textContent = String(this.counts.denied);
    const { sent, allowed, denied } = this.counts;
    const told = `${left ?? 'Unknown'} of ${this.#capacity} left; ${sent} sent, ${allowed} allowed, ${denied} denied`;
    this.#part('.chart').setAttribute('aria-label', `The quota over time. ${told}.`);
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.element, selector, HTMLElement);
  }
}
