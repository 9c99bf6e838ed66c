// What is known at once is answered at once: a promise costs memory and a turn of the event loop.

/** Whether a value is still to come. Any object with a `then` counts, also one of another realm or library. */
export const isPromise = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof (value as PromiseLike<T> | undefined)?.then === 'function';

/** Continues with a value: at once, unless it is a promise. Without `failed` errors pass through. */
export const after = <T, R>(
  value: T | PromiseLike<T>,
  next: (value: T) => R | PromiseLike<R>,
  failed?: (error: unknown) => R | PromiseLike<R>,
): R | Promise<R> =>
  // A promise of this realm is used as it is. Others may lack what promises have.
  isPromise(value) ? Promise.resolve(value).then(next, failed) : (next(value) as R);
