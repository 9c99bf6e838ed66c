// Twin: stores/redis/lua/sliding-log.lua. The same law on another state; change both.
import { isFarAhead, type Algorithm } from '../algorithm.js';
import * as log from './charge-log.js';

/** Charges of one millisecond share an entry. */
export type SlidingLogState = log.ChargeLog;

/** Exact: remembers every charge of the last window. Memory grows with the limit, and time with its logarithm. */
export const slidingLog: Algorithm<SlidingLogState> = {
  code: 'sl',
  title: 'sliding log',
  about: 'Remembers every charge. Each unit is back exactly one window after it was spent.',
  weighsByWindow: false,
  refillsAtOnce: false,
  // Redis reads and writes more of a log for each hit than of any other state.
  weight: 4,

  byMark: {
    markOf: log.lastTime,
    counting: ({ window }, state, mark, cost, now) => (mark > newestAt(state, window, now) - window ? cost : 0),
    corrected({ window }, state, mark, delta, now) {
      const threshold = Math.max(now, log.lastTime(state)) - window;
      return mark > threshold && log.hasChargeAt(state, mark) ? log.withMore(state, mark, delta) : state;
    },
  },

  judge({ limit, window }, state, cost, now) {
    let at = now;
    let live = state;
    let moved = false;
    if (state) {
      at = Math.max(now, log.lastTime(state));
      live = log.since(state, at - window);
      moved = isFarAhead(at, window, now);
      if (moved) {
        at = now;
        live = log.begun(now, log.unitsOf(live!));
      }
    }

    const used = live ? log.unitsOf(live) : 0;
    const allowed = cost <= 0 || cost <= limit - used;
    const kept = allowed ? Math.max(0, used + cost) : used;
    const remaining = Math.max(0, limit - kept);
    const unchanged = !moved && (!allowed || cost === 0);
    let after = live;
    if (kept === 0) after = undefined;
    else if (allowed && cost > 0) after = live ? log.charged(live, at, cost) : log.begun(at, cost);
    else if (cost < 0) after = log.givenBack(live!, -cost);
    return {
      allowed,
      remaining,
      resetAfter: !after || limit === 0 ? 0 : wait(after, kept + remaining + 1 - limit, window, now),
      retryAfter: allowed ? 0 : cost > limit ? -1 : wait(live!, used + cost - limit, window, now),
      state: unchanged && after ? state : after,
    };
  },

  // One unit leaves after `resetAfter`. When the others leave is unknown.
  recalled({ window }, used, resetAfter, now) {
    const oldest = now + resetAfter - window;
    if (used <= 1 || oldest >= now) return used > 0 ? log.begun(oldest, used) : undefined;
    return log.charged(log.begun(oldest, 1), now, used - 1);
  },

  lifetime: ({ window }, state, now) => log.lastTime(state) + window - now,
  longestLifetime: ({ window }) => window,
};

/** Until when the window reaches: now, or the newest charge if the clock was set back. */
function newestAt(state: SlidingLogState, window: number, now: number): number {
  const at = Math.max(now, log.lastTime(state));
  return isFarAhead(at, window, now) ? now : at;
}

/** How long until the oldest `units` have left the window. */
const wait = (charges: log.ChargeLog, units: number, window: number, now: number): number =>
  log.timeOf(charges, units) + window - now;
