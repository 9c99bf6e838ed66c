import type { Algorithm } from '../algorithm.js';
import { concurrency } from './concurrency.js';
import { fixedWindow } from './fixed-window.js';
import { gcra } from './gcra.js';
import { slidingLog } from './sliding-log.js';
import { slidingWindow } from './sliding-window.js';
import { tokenBucket } from './token-bucket.js';

/** The only list of the algorithms. That of Redis' script is made of it (scripts/bundle-lua.mjs). */
export const algorithms = {
  'fixed-window': fixedWindow,
  'sliding-window': slidingWindow,
  'sliding-log': slidingLog,
  'token-bucket': tokenBucket,
  gcra,
  concurrency,
};

/**
 * How a policy is judged:
 *
 * - `fixed-window` counts from the first hit of a window;
 * - `sliding-window` counts in two windows, of which the older one fades (the approximation Cloudflare described);
 * - `sliding-log` remembers every charge of the last window;
 * - `token-bucket` refills evenly, and holds `burst` units;
 * - `gcra`, the generic cell rate algorithm (ITU-T I.371), is the token bucket with a burst of 1;
 * - `concurrency` counts requests that have not ended, and has no window.
 *
 * The specification is docs/algorithms.md.
 *
 * @useDeclaredType
 */
export type AlgorithmName = keyof typeof algorithms;

/** The algorithm that counts requests which have not ended. */
export const CONCURRENCY = 'concurrency';

/** The algorithms that have a window: every {@link AlgorithmName} but `concurrency`. */
export type WindowAlgorithm = Exclude<AlgorithmName, 'concurrency'>;

/** The algorithm of a policy that names none. */
export const defaultAlgorithm: WindowAlgorithm = 'fixed-window';

/** Every {@link WindowAlgorithm}. */
export const algorithmNames = (Object.keys(algorithms) as AlgorithmName[]).filter(
  (name): name is WindowAlgorithm => name !== CONCURRENCY,
);

/** The algorithm of that name, its state opaque to the caller. */
export const algorithmOf = (name: AlgorithmName): Algorithm<unknown> => algorithms[name];

/** Whether what a policy hands out is slots: it counts open holds, and has no window. */
export const hasSlots = ({ algorithm }: { readonly algorithm: AlgorithmName }): boolean =>
  algorithmOf(algorithm).countsHolds === true;

/** The algorithms for which something is true, as an error message lists them. */
export const algorithmsThat = (is: (algorithm: Algorithm<unknown>) => boolean): string =>
  algorithmNames.filter((name) => is(algorithmOf(name))).join(' or ');
