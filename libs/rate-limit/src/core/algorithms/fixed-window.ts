// Twins: stores/redis/lua/fixed-window.lua, and calendar-window.lua for calendar windows. The same law; change all.
import type { Algorithm } from '../algorithm.js';

export interface FixedWindowState {
  /** The first moment after the window. A definition that changes does not move it. */
  readonly end: number;
  readonly used: number;
}

/**
 * Counts what is spent until a window ends. Then the whole quota is back. A span begins with its first charge; a calendar
 * window begins and ends at its boundaries.
 */
export const fixedWindow: Algorithm<FixedWindowState> = {
  code: 'fw',
  calendarLua: 'calendar-window',
  title: 'fixed window',
  about:
    'Counts from the first request of a window, or from midnight or another calendar boundary. When the window ends, the whole quota is back at once.',
  weighsByWindow: false,
  refillsAtOnce: true,
  weight: 1,

  byMark: {
    markOf: ({ end }) => end,
    counting: ({ period }, { end }, mark, cost, now) =>
      end === mark && now < end && !period.isFarAhead(end, now) ? cost : 0,
    corrected({ period }, state, mark, delta, now) {
      if (state.end !== mark || now >= mark || period.isFarAhead(mark, now)) return state;
      const used = state.used + delta;
      return used > 0 ? { end: mark, used } : undefined;
    },
  },

  judge({ limit, period }, state, cost, now) {
    let end = 0;
    let used = 0;
    let moved = false;
    if (state) {
      moved = period.isFarAhead(state.end, now);
      if (moved) {
        used = state.used;
      } else if (now < state.end) {
        end = state.end;
        used = state.used;
      }
    }

    const allowed = cost <= 0 || cost <= limit - used;
    const kept = allowed ? Math.max(0, used + cost) : used;
    // Without a charge no window opens.
    if (kept > 0 && end === 0) end = period.boundsAt(now).end;
    const unchanged = !moved && (!allowed || cost === 0);
    return {
      allowed,
      remaining: Math.max(0, limit - kept),
      resetAfter: kept === 0 || limit === 0 ? 0 : end - now,
      retryAfter: allowed ? 0 : cost > limit ? -1 : end - now,
      state: kept === 0 ? undefined : unchanged ? state : { end, used: kept },
    };
  },

  recalled: (_, used, resetAfter, now) => (used > 0 ? { end: now + resetAfter, used } : undefined),

  lifetime: (_, { end }, now) => end - now,
  longestLifetime: ({ period }) => period.longest,
};
