// Twin: stores/redis/lua/toy.lua. Same names, same order; change both.
import { isFarAhead, type Algorithm } from '../../../libs/rate-limit/src/core/algorithm.js';

interface ToyState {
  /** When units were last spent. */
  readonly at: number;
  readonly used: number;
}

/** The whole quota is back once nobody has spent anything for a window. */
export const toy: Algorithm<ToyState> = {
  code: 'toy',
  title: 'toy',
  about: 'Gives the whole quota back once nobody has spent anything for a window.',
  weighsByWindow: false,
  refillsAtOnce: true,
  weight: 1,

  judge({ limit, window }, state, cost, now) {
    let at = now;
    let used = 0;
    let moved = false;
    if (state) {
      moved = isFarAhead(state.at, window, now);
      if (moved) {
        used = state.used;
      } else if (now < state.at + window) {
        at = state.at;
        used = state.used;
      }
    }

    const allowed = cost <= 0 || cost <= limit - used;
    const kept = allowed ? Math.max(0, used + cost) : used;
    if (allowed && cost > 0) at = Math.max(at, now);
    const untilBack = at + window - now;
    const unchanged = !moved && (!allowed || cost === 0);
    return {
      allowed,
      remaining: Math.max(0, limit - kept),
      resetAfter: kept === 0 || limit === 0 ? 0 : untilBack,
      retryAfter: allowed ? 0 : cost > limit ? -1 : untilBack,
      state: kept === 0 ? undefined : unchanged ? state : { at, used: kept },
    };
  },

  recalled: ({ window }, used, resetAfter, now) => (used > 0 ? { at: now + resetAfter - window, used } : undefined),
  lifetime: ({ window }, { at }, now) => at + window - now,
  longestLifetime: ({ window }) => window,
};
