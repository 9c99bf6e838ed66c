import { one } from './dom.js';

/** @typedef {import('./api.js').Answer} Answer */

/** Shows what went wrong last, by what was tried, until the same works again. */
export function complaints() {
  const shown = one('#wrong', HTMLElement);
  /** The gravest first. */
  const wrong = { change: '', send: '', look: '' };

  return {
    /**
     * @param {keyof wrong} what
     * @param {Answer} answer
     * @returns {boolean} whether it went wrong. A 429 is what the page is about.
     */
    take(what, { status, body }) {
      const isWrong = status === 0 || (status >= 400 && status !== 429);
      wrong[what] = isWrong ? String(body?.message ?? `Status ${status}.`) : '';
      const text = Object.values(wrong).find((each) => each !== '') ?? '';
      if (shown.textContent !== text) shown.textContent = text;
      return isWrong;
    },
  };
}
