import { one } from './dom.js';

/**
 * Requests at a steady rate, by the slider and the button beside it.
 *
 * @param {() => void} tick sends one
 */
export function streamOf(tick) {
  const rate = one('#rate', HTMLInputElement);
  const button = one('#stream', HTMLButtonElement);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;

  /** @param {number} perSecond 0: none */
  function set(perSecond) {
    clearInterval(timer);
    timer = perSecond > 0 ? setInterval(tick, 1_000 / perSecond) : undefined;
    button.textContent = timer === undefined ? 'Start' : 'Stop';
    button.classList.toggle('is-on', timer !== undefined);
  }

  function showRate() {
    one('#rate-text', HTMLOutputElement).value = `${rate.value} a second`;
    if (timer !== undefined) set(rate.valueAsNumber);
  }

  rate.addEventListener('input', showRate);

  return {
    get isOn() {
      return timer !== undefined;
    },
    /** @param {number} [perSecond] left out: as the slider says */
    start(perSecond = rate.valueAsNumber) {
      rate.value = String(perSecond);
      set(perSecond);
      showRate();
    },
    stop: () => set(0),
  };
}
