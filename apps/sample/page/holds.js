import { ask } from './api.js';

/** @typedef {{ id: string, cost: number, expiresIn: number }} Hold spans in ms */

/**
 * What is left of a policy, and what requests that have not ended hold of it.
 *
 * @typedef {object} Held
 * @property {number} limit
 * @property {number} remaining
 * @property {Hold[] | null} holds null: unknown, because Redis is away
 */

const EVERY = 250;
/** How often it is looked at after the end: a request that was cancelled holds what it has until its handler ends. */
const AFTERWARDS = 20;

/**
 * Looks at what this visitor's requests hold, again and again while one of them runs, and until what it held is settled.
 *
 * @param {'tokens' | 'uploads'} policy
 * @param {(held: Held) => void} seen
 */
export function watchHolds(policy, seen) {
  let running = 0;
  /** @type {Promise<void> | undefined} */
  let watching;

  async function watch() {
    for (let after = 0; running > 0 || after < AFTERWARDS; after++) {
      if (running > 0) after = 0;
      const { status, body } = await ask('GET', 'demo/holds');
      if (status === 200) seen(body[policy]);
      if (running === 0 && (status !== 200 || !body[policy].holds?.length)) break;
      await new Promise((resolve) => setTimeout(resolve, EVERY));
    }
    watching = undefined;
  }

  /**
   * @template T
   * @param {Promise<T>} request
   * @returns {Promise<{ answer: T, settled: Promise<void> }>}
   */
  return async function during(request) {
    running++;
    watching ??= watch();
    const answer = await request;
    running--;
    return { answer, settled: watching ?? Promise.resolve() };
  };
}
