import { one } from './dom.js';

/** @typedef {{ limit: number, window: number, burst: number | undefined, cost: number }} Numbers the window in ms */

const FIELDS = ['limit', 'window', 'burst', 'cost'];

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
  });
  let numbers = read();

  function check() {
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

/** @param {HTMLInputElement} input */
function complaintOf(input) {
  const label = input.labels?.[0]?.querySelector('span')?.textContent ?? input.name;
  const kind = input.step === 'any' ? 'a number' : 'a whole number';
  return `${label}: ${kind} from ${input.min} to ${Number(input.max).toLocaleString('en')}.`;
}
