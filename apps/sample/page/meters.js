import { copyOf, find } from './dom.js';

/**
 * A labelled bar that shows how much is left.
 *
 * @param {HTMLElement} within
 * @param {string} name
 * @param {number} most
 */
export function meterIn(within, name, most) {
  const element = copyOf('#meter-template');
  const bar = find(element, 'meter', HTMLMeterElement);
  const value = find(element, '.value', HTMLElement);
  find(element, '.name', HTMLElement).textContent = name;
  bar.max = most;
  bar.setAttribute('aria-label', `${name}: left`);
  within.append(element);

  /**
   * @param {number | undefined} left left out: nothing has been used
   * @param {number} [of] the most, where it is another now
   */
  return function show(left, of = most) {
    bar.max = of;
    bar.value = left ?? of;
    value.textContent = `${left ?? of} of ${of}`;
  };
}
