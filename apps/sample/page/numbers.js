import { one } from './dom.js';

/**
 * @typedef {object} Numbers
 * @property {number} limit
 * @property {number} window in ms
 * @property {number | undefined} burst
 * @property {number} cost
 * @property {number[] | undefined} blockFor in ms
 */

const FIELDS = ['limit', 'window', 'burst', 'cost', 'block'];
/** How long a block may be, in seconds, and how many may follow one another. */
const BLOCK = { from: 0.1, to: 300, most: 5 };

/**
 * The form of the limit: the last numbers that can be used, and under it what is wrong with those that cannot. The
 * server checks them again.
 *
 * @param {() => void} changed told whenever there are new numbers to use
 */
export function numbersForm(changed) {
  const form = one('#policy', HTMLFormElement);
  const wrong = one('#policy-error', HTMLElement);

  /** @param {string} name */
  const input = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

  /** @returns {Numbers} */
  const read = () => ({
    limit: input('limit').valueAsNumber,
    window: Math.round(input('window').valueAsNumber * 1_000),
    burst: input('burst').value === '' ? undefined : input('burst').valueAsNumber,
    cost: input('cost').valueAsNumber,
    blockFor: secondsIn(input('block').value)?.map((seconds) => Math.round(seconds * 1_000)),
  });
  let numbers = read();

  function check() {
    input('block').setCustomValidity(wrongBlocks(input('block').value));
    const bad = FIELDS.map(input).filter((each) => !each.validity.valid);
    for (const name of FIELDS) input(name).setAttribute('aria-invalid', String(bad.includes(input(name))));
    wrong.textContent = bad.map(complaintOf).join(' ');
    if (bad.length === 0) numbers = read();
    return bad.length === 0;
  }

  for (const name of FIELDS) input(name).setAttribute('aria-errormessage', wrong.id);
  form.addEventListener('input', () => check() && changed());
  form.addEventListener('submit', (event) => event.preventDefault());

  return {
    /** What can be used. */
    current: () => numbers,
    /** @param {Record<string, string | number>} values by field, the window in seconds */
    fill(values) {
      for (const [name, value] of Object.entries(values)) input(name).value = String(value);
      check();
    },
    /** @param {boolean} isTaken whether any algorithm in use knows bursts */
    takeBurst(isTaken) {
      input('burst').disabled = !isTaken;
    },
  };
}

/**
 * Numbers with commas between; nothing at all is none.
 *
 * @param {string} text
 */
const secondsIn = (text) =>
  text.trim() === '' ? undefined : text.split(',').map((each) => Number(each.trim() || NaN));

/** @param {string} text */
function wrongBlocks(text) {
  const { from, to, most } = BLOCK;
  const spans = secondsIn(text) ?? [];
  if (spans.length <= most && spans.every((span) => span >= from && span <= to)) return '';
  return `a number from ${from} to ${to}, or up to ${most} of them, as in 2, 5, 15.`;
}

/** @param {HTMLInputElement} input */
function complaintOf(input) {
  const label = input.labels?.[0]?.querySelector('span')?.textContent ?? input.name;
  if (input.validity.customError) return `${label}: ${input.validationMessage}`;
  const kind = input.step === 'any' ? 'a number' : 'a whole number';
  return `${label}: ${kind} from ${input.min} to ${Number(input.max).toLocaleString('en')}.`;
}
