import { one } from './dom.js';

/** @typedef {import('./presets.js').Step} Step */

const IDLE = 'Send requests, or watch a scene.';

/**
 * Plays the steps of a scene, and says what is seen.
 *
 * @param {(step: Step) => void} act does what a step says
 */
export function scenePlayer(act) {
  const told = one('#preset-hint', HTMLElement);
  /** @type {ReturnType<typeof setTimeout>[]} */
  let timers = [];

  /**
   * @param {string | undefined} name the one that plays
   * @param {string} said
   */
  function show(name, said) {
    for (const button of document.querySelectorAll('[data-preset]')) {
      button.setAttribute('aria-pressed', String(button.getAttribute('data-preset') === name));
    }
    told.textContent = said;
  }

  return {
    get isPlaying() {
      return timers.length > 0;
    },

    show,

    /**
     * @param {string} name
     * @param {readonly Step[]} steps
     */
    play(name, steps) {
      timers = steps.map((step, i) => {
        const isLast = i === steps.length - 1;
        return setTimeout(() => {
          if (isLast) timers = [];
          show(isLast ? undefined : name, step.say);
          act(step);
        }, step.at * 1_000);
      });
    },

    /** A scene ends when visitors do something else; what it said is true no more. */
    end() {
      timers.forEach(clearTimeout);
      timers = [];
      show(undefined, IDLE);
    },
  };
}
