/** @typedef {import('./numbers.js').Numbers} Numbers */

/** In milliseconds, the largest first. */
const UNITS = /** @type {const} */ ([
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]);

/**
 * The decorator that puts such a limit on a handler, as TypeScript to paste. Defaults are left out, except the
 * algorithm.
 *
 * @param {Pick<Numbers, 'limit' | 'window' | 'cost'> & Partial<Pick<Numbers, 'burst' | 'blockFor'>> & { algorithm: string }} settings
 */
export function decoratorOf({ algorithm, limit, window, burst, blockFor, cost }) {
  const lines = [
    `algorithm: '${algorithm}'`,
    `limit: ${limit}`,
    `window: ${duration(window)}`,
    burst !== undefined && `burst: ${burst}`,
    blockFor !== undefined && `blockFor: ${spans(blockFor)}`,
    cost !== 1 && `cost: ${cost}`,
  ];
  return `@RateLimit({\n${lines.flatMap((line) => (line ? `  ${line},\n` : [])).join('')}})`;
}

/** @param {number[]} all */
const spans = (all) => (all.length === 1 ? all.map(duration).join('') : `[${all.map(duration).join(', ')}]`);

/**
 * In the largest unit that divides it: 60000 is `'1m'`.
 *
 * @param {number} span in ms
 */
function duration(span) {
  const [unit, size] = UNITS.find(([, size]) => span % size === 0) ?? ['ms', 1];
  return `'${span / size}${unit}'`;
}
