// Twin: stores/redis/lua/concurrency.lua. The same law; change both.
import type { Algorithm } from '../algorithm.js';
import { GUESS } from '../holds/guess.js';

/** What is taken now. It is made of the open holds, and not kept. */
export interface SlotsState {
  readonly used: number;
  /** How long until the first lease ends, in milliseconds, if nobody renews it. */
  readonly soonest: number;
}

/**
 * Counts requests that have not ended: each takes a slot, and gives it back when it ends. A process that dies loses its
 * slots when their leases end. Nobody knows when a slot becomes free, so the wait is a guess.
 */
export const concurrency: Algorithm<SlotsState> = {
  code: 'cc',
  title: 'concurrency',
  about: 'Counts requests that have not ended. It has no window.',
  weighsByWindow: false,
  refillsAtOnce: false,
  countsHolds: true,
  weight: 2,

  judge({ limit }, state, cost) {
    const used = state?.used ?? 0;
    const allowed = cost <= 0 || cost <= limit - used;
    return {
      allowed,
      remaining: Math.max(0, limit - used - (allowed ? Math.max(0, cost) : 0)),
      resetAfter: 0,
      retryAfter: allowed ? 0 : cost > limit ? -1 : Math.min(GUESS, state!.soonest),
      state,
    };
  },

  recalled: () => undefined,
  lifetime: ({ window }) => window,
  longestLifetime: ({ window }) => window,
};
