// Twin: stores/redis/lua/token-bucket.lua. Same names, same order; change both.
import { isFarAhead, type Algorithm } from '../algorithm.js';

export interface BucketState {
  /** What has been spent and not refilled yet, in units times milliseconds of window. */
  readonly debt: number;
  /** When the debt was last written. */
  readonly at: number;
}

/**
 * Holds `burst` tokens and refills evenly, `limit` per window. The state is the debt, not the content of the bucket, so
 * changing the limit or the burst keeps what has been used.
 */
export const tokenBucket: Algorithm<BucketState> = {
  code: 'tb',
  title: 'token bucket',
  about: 'Holds a burst and refills evenly.',
  defaultBurst: 'limit',
  weighsByWindow: true,
  refillsAtOnce: false,
  weight: 1,

  judge({ limit, window, burst }, state, cost, now) {
    const capacity = limit > 0 ? burst * window : 0;
    let at = now;
    let debt = 0;
    let moved = false;
    if (state) {
      const elapsed = now - state.at;
      moved = isFarAhead(state.at, window, now);
      debt = Math.max(0, state.debt - Math.max(0, elapsed) * limit);
      if (elapsed < 0 && !moved) at = state.at;
    }

    const weight = cost * window;
    const allowed = cost <= 0 || weight <= capacity - debt;
    const kept = allowed ? Math.max(0, debt + weight) : debt;
    const remaining = Math.max(0, Math.floor((capacity - kept) / window));
    const ahead = at - now;
    const unchanged = !moved && (!allowed || cost === 0);
    return {
      allowed,
      remaining,
      resetAfter:
        kept === 0 || capacity === 0 ? 0 : ahead + Math.ceil((kept - capacity + (remaining + 1) * window) / limit),
      retryAfter: allowed ? 0 : weight > capacity ? -1 : ahead + Math.ceil((debt - capacity + weight) / limit),
      state: kept === 0 ? undefined : unchanged ? state : { debt: kept, at },
    };
  },

  recalled({ limit, window }, used, resetAfter, now) {
    const debt = Math.min(used * window, (used - 1) * window + resetAfter * limit);
    return debt > 0 ? { debt, at: now } : undefined;
  },

  lifetime: ({ limit, window }, { debt, at }, now) => at - now + (limit > 0 ? Math.ceil(debt / limit) : window),
  longestLifetime: ({ limit, window, burst }) => (limit > 0 ? Math.ceil((burst * window) / limit) : window),
};
