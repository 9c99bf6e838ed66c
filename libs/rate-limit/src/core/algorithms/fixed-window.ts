// Twin: stores/redis/lua/fixed-window.lua. The same law; change both.
import { isFarAhead, type Algorithm } from '../algorithm.js';

export interface FixedWindowState {
  /** When the window began: at its first charge. */
  readonly start: number;
  readonly used: number;
}

/** Counts what is spent since the first hit of a window. When the window ends, the whole quota is back. */
export const fixedWindow: Algorithm<FixedWindowState> = {
  code: 'fw',
  title: 'fixed window',
  about: 'Counts from the first request of a window. When the window ends, the whole quota is back at once.',
  weighsByWindow: false,
  refillsAtOnce: true,
  weight: 1,

  judge({ limit, window }, state, cost, now) {
    let start = now;
    let used = 0;
    let moved = false;
    if (state) {
      moved = isFarAhead(state.start, window, now);
      if (moved) {
        used = state.used;
      } else if (now < state.start + window) {
        start = state.start;
        used = state.used;
      }
    }

    const allowed = cost <= 0 || cost <= limit - used;
    const kept = allowed ? Math.max(0, used + cost) : used;
    const unchanged = !moved && (!allowed || cost === 0);
    const untilEnd = start + window - now;
    return {
      allowed,
      remaining: Math.max(0, limit - kept),
      resetAfter: kept === 0 || limit === 0 ? 0 : untilEnd,
      retryAfter: allowed ? 0 : cost > limit ? -1 : untilEnd,
      state: kept === 0 ? undefined : unchanged ? state : { start, used: kept },
    };
  },

  recalled: ({ window }, used, resetAfter, now) => (used > 0 ? { start: now + resetAfter - window, used } : undefined),

  lifetime: ({ window }, { start }, now) => start + window - now,
  longestLifetime: ({ window }) => window,
};
