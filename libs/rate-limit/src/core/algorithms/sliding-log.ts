// Twin: stores/redis/lua/sliding-log.lua. The same law on another state; change both.
import { isFarAhead, type Algorithm } from '../algorithm.js';

interface LogEntry {
  readonly at: number;
  readonly units: number;
}

/** Oldest first. Charges of one millisecond share an entry. */
export type SlidingLogState = readonly LogEntry[];

/** Exact: remembers every charge of the last window. Costs memory and time in proportion to the limit. */
export const slidingLog: Algorithm<SlidingLogState> = {
  code: 'sl',
  title: 'sliding log',
  about: 'Remembers every charge. Each unit is back exactly one window after it was spent.',
  weighsByWindow: false,
  refillsAtOnce: false,
  // Redis searches the log for each hit.
  weight: 8,

  judge({ limit, window }, state, cost, now) {
    let at = now;
    let live: SlidingLogState = [];
    let moved = false;
    if (state) {
      at = Math.max(now, lastOf(state).at);
      live = state.filter((entry) => at < entry.at + window);
      moved = isFarAhead(at, window, now);
      if (moved) {
        live = [{ at: now, units: unitsOf(live) }];
        at = now;
      }
    }

    const used = unitsOf(live);
    const allowed = cost <= 0 || cost <= limit - used;
    const log = !allowed || cost === 0 ? live : cost > 0 ? appended(live, at, cost) : givenBack(live, -cost);
    const kept = allowed ? Math.max(0, used + cost) : used;
    const remaining = Math.max(0, limit - kept);
    const unchanged = !moved && (!allowed || cost === 0);
    return {
      allowed,
      remaining,
      resetAfter: kept === 0 || limit === 0 ? 0 : wait(log, kept + remaining + 1 - limit, window, now),
      retryAfter: allowed ? 0 : cost > limit ? -1 : wait(live, used + cost - limit, window, now),
      state: kept === 0 ? undefined : unchanged ? state : log,
    };
  },

  // One unit leaves after `resetAfter`. When the others leave is unknown.
  recalled({ window }, used, resetAfter, now) {
    const oldest = { at: now + resetAfter - window, units: 1 };
    if (used <= 1 || oldest.at >= now) return used > 0 ? [{ ...oldest, units: used }] : undefined;
    return [oldest, { at: now, units: used - 1 }];
  },

  lifetime: ({ window }, log, now) => lastOf(log).at + window - now,
  longestLifetime: ({ window }) => window,
};

const lastOf = (log: SlidingLogState): LogEntry => log[log.length - 1]!;

const unitsOf = (log: SlidingLogState): number => log.reduce((sum, { units }) => sum + units, 0);

function appended(log: SlidingLogState, at: number, cost: number): SlidingLogState {
  const last = log[log.length - 1];
  return last?.at === at ? [...log.slice(0, -1), { at, units: last.units + cost }] : [...log, { at, units: cost }];
}

/** The newest entries first. */
function givenBack(log: SlidingLogState, units: number): SlidingLogState {
  const kept = [...log];
  for (let left = units; left > 0 && kept.length > 0;) {
    const { at, units } = kept.pop()!;
    if (units > left) kept.push({ at, units: units - left });
    left -= units;
  }
  return kept;
}

/** How long until the oldest `units` have left the window. */
function wait(log: SlidingLogState, units: number, window: number, now: number): number {
  let freed = 0;
  const last = log.find((entry) => (freed += entry.units) >= units)!;
  return last.at + window - now;
}
