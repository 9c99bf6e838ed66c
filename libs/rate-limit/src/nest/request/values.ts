import { RateLimitError, shown } from '../../core/errors.js';

// What functions of the application return: at once or later, and fit for use or not.

export const isPromise = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof (value as Promise<T>)?.then === 'function';

/** Goes on with a value: at once, unless it must be waited for. */
export const after = <T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> =>
  isPromise(value) ? value.then(next) : next(value);

/** What is neither text nor a number the store refuses. */
export const textOf = (key: string | number): string => (Number.isFinite(key) ? String(key) : (key as string));

/** A request never gives back: a negative cost is for code. */
export function checkCost(cost: unknown, name: string): asserts cost is number {
  if (Number.isSafeInteger(cost) && (cost as number) >= 0) return;
  throw new RateLimitError('RL_COST_INVALID', `${name}: cost must be a whole number, not negative, got ${shown(cost)}`);
}
