import { after } from './after.js';
import type { Decision } from './decision.js';
import type { Hit } from './hit.js';
import type { RateLimitStore } from './store.js';

/** Asks a store, and continues with its decisions or with its failure: at once if it answers or throws at once. */
export function ask<R>(
  store: RateLimitStore,
  hits: readonly Hit[],
  next: (decisions: Decision[]) => R,
  failed: (error: unknown) => R,
): R | Promise<R> {
  let answer: Decision[] | Promise<Decision[]>;
  try {
    answer = store.consume(hits);
  } catch (error) {
    return failed(error);
  }
  return after(answer, next, failed);
}
