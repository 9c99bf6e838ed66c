/**
 * The element that the page surely has.
 *
 * @template {Element} E
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => E} type
 * @returns {E}
 */
export function find(within, selector, type) {
  const element = within.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${selector}.`);
}

/**
 * @template {Element} E
 * @param {string} selector
 * @param {new () => E} type
 */
export const one = (selector, type) => find(document, selector, type);

/**
 * A new copy of what a template holds.
 *
 * @param {string} selector
 */
export function copyOf(selector) {
  const copy = one(selector, HTMLTemplateElement).content.firstElementChild?.cloneNode(true);
  if (copy instanceof HTMLElement) return copy;
  throw new Error(`The page's ${selector} is empty.`);
}

/**
 * @param {string} selector
 * @param {(button: HTMLButtonElement) => void} pressed
 */
export function onPress(selector, pressed) {
  for (const button of document.querySelectorAll(selector)) {
    if (button instanceof HTMLButtonElement) button.addEventListener('click', () => pressed(button));
  }
}
