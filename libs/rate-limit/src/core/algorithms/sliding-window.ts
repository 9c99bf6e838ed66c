// Twin: stores/redis/lua/sliding-window.lua. Same names, same order; change both.
import { isFarAhead, type Algorithm } from '../algorithm.js';

export interface SlidingWindowState {
  /** When the current window began. Windows follow one another from the first charge on. */
  readonly start: number;
  /** Units spent in the current window. */
  readonly current: number;
  /** Units spent in the one before. */
  readonly previous: number;
}

/**
 * Two counters: this window's units, and the last one's weighted by how much of it the sliding window still covers.
 * Cloudflare's approximation: https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 */
export const slidingWindow: Algorithm<SlidingWindowState> = {
  code: 'sw',
  title: 'sliding window',
  about: 'Keeps two counters. What was spent in the last window fades while this window goes on.',
  weighsByWindow: true,
  refillsAtOnce: false,
  weight: 1,

  byMark: {
    markOf: ({ start }) => start,
    counting({ window }, { start, current }, mark, cost, now) {
      if (isFarAhead(start, window, now)) return 0;
      if (start === mark && now < start + window) return cost;
      // It fades: as the window before, or as one that has just ended.
      const isBefore = start === mark ? current > 0 : start === mark + window;
      const left = mark + 2 * window - now;
      return isBefore && left > 0 ? Math.floor((cost * Math.min(window, left)) / window) : 0;
    },
    corrected({ window }, state, mark, delta, now) {
      const { start, current, previous } = state;
      if (isFarAhead(start, window, now) || now >= mark + 2 * window || now >= start + 2 * window) return state;
      const isCurrent = start === mark;
      if (!isCurrent && start !== mark + window) return state;
      const after = {
        start,
        current: isCurrent ? Math.max(0, current + delta) : current,
        previous: isCurrent ? previous : Math.max(0, previous + delta),
      };
      return after.current === 0 && after.previous === 0 ? undefined : after;
    },
  },

  judge({ limit, window }, state, cost, now) {
    let start = now;
    let current = 0;
    let previous = 0;
    let moved = false;
    if (state) {
      const elapsed = now - state.start;
      moved = isFarAhead(state.start, window, now);
      if (moved) {
        ({ current, previous } = state);
      } else if (elapsed < window) {
        ({ start, current, previous } = state);
      } else if (elapsed < 2 * window && state.current > 0) {
        start = state.start + window;
        previous = state.current;
      }
    }

    const left = Math.min(window, start + window - now);
    const weight = Math.ceil((previous * left) / window);
    const allowed = cost <= 0 || cost <= limit - current - weight;

    // The current window is charged; what it cannot give back, the one before does.
    const keptCurrent = allowed ? Math.max(0, current + cost) : current;
    const keptPrevious = allowed ? Math.max(0, previous + Math.min(0, current + cost)) : previous;
    const full = keptCurrent === 0 && keptPrevious === 0;
    const remaining = Math.max(0, limit - keptCurrent - Math.ceil((keptPrevious * left) / window));
    const unchanged = !moved && (!allowed || cost === 0);
    return {
      allowed,
      remaining,
      resetAfter: full || limit === 0 ? 0 : wait(limit, window, keptCurrent, keptPrevious, remaining + 1, start, now),
      retryAfter: allowed ? 0 : cost > limit ? -1 : wait(limit, window, current, previous, cost, start, now),
      state: full ? undefined : unchanged ? state : { start, current: keptCurrent, previous: keptPrevious },
    };
  },

  // As units of the last window, which slide out evenly, the first of them after `resetAfter` or later.
  recalled({ window }, used, resetAfter, now) {
    const ahead = resetAfter - window + Math.floor(((used - 1) * window) / used);
    return used > 0 ? { start: now + Math.min(window, Math.max(0, ahead)), current: 0, previous: used } : undefined;
  },

  lifetime: ({ window }, { start, current }, now) => start + (current > 0 ? 2 : 1) * window - now,
  longestLifetime: ({ window }) => 2 * window,
};

/** How long until `units` are there: as the last window slides out, or after the turn, as this one does. */
function wait(
  limit: number,
  window: number,
  current: number,
  previous: number,
  units: number,
  start: number,
  now: number,
): number {
  const room = (limit - current - units) * window;
  if (room >= 0) return start + window - Math.floor(room / previous) - now;
  return start + 2 * window - Math.floor(((limit - units) * window) / current) - now;
}
