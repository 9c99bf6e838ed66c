import { fixedWindow, type FixedWindowState } from '../../../libs/rate-limit/src/core/algorithms/fixed-window.js';
import type { WindowDefinition } from '../../../libs/rate-limit/src/core/window-of.js';
import { policy, timeline } from '../../support/timeline.js';

describe('fixed-window, 3 in 10 s', () => {
  const rule = policy('fixed-window', { limit: 3, window: '10s' });

  it('begins its window at the first hit, and all is back when it ends', () => {
    timeline(rule, [
      // at, cost, allowed, remaining, retryAfter, resetAfter
      [500, 1, true, 2, 0, 10_000],
      [4_500, 2, true, 0, 0, 6_000],
      [4_500, 1, false, 0, 6_000, 6_000],
      [10_499, 1, false, 0, 1, 1],
      [10_500, 1, true, 2, 0, 10_000],
    ]);
  });

  it('tells a cost that never fits from one that must wait, and takes nothing for either', () => {
    timeline(rule, [
      [0, 1, true, 2, 0, 10_000],
      [0, 3, false, 2, 10_000, 10_000],
      [0, 4, false, 2, -1, 10_000],
      [0, 2, true, 0, 0, 10_000],
    ]);
  });

  it('looks without opening a window', () => {
    timeline(rule, [
      [0, 0, true, 3, 0, 0],
      [9_000, 1, true, 2, 0, 10_000],
      [9_001, 0, true, 2, 0, 9_999],
    ]);
  });

  it('gives back to the window that is, not to one that is gone, and a full quota has no window', () => {
    timeline(rule, [
      [0, 3, true, 0, 0, 10_000],
      [5_000, -2, true, 2, 0, 5_000],
      [5_000, -9, true, 3, 0, 0],
      [8_000, 1, true, 2, 0, 10_000],
      [18_000, -1, true, 3, 0, 0],
    ]);
  });

  it('takes another limit at once and keeps what has been used', () => {
    timeline(rule, [
      [0, 3, true, 0, 0, 10_000],
      policy('fixed-window', { limit: 5, window: '10s' }),
      [1_000, 2, true, 0, 0, 9_000],
      policy('fixed-window', { limit: 2, window: '10s' }),
      [2_000, 1, false, 0, 8_000, 8_000],
      policy('fixed-window', { limit: 0, window: '10s' }),
      [3_000, 1, false, 0, -1, 0],
      policy('fixed-window', { limit: 6, window: '10s' }),
      [4_000, 0, true, 1, 0, 6_000],
    ]);
  });

  it('stands while the clock is set back, and waits for it to catch up', () => {
    timeline(rule, [
      [10_000, 3, true, 0, 0, 10_000],
      [4_000, 1, false, 0, 16_000, 16_000],
      [19_999, 1, false, 0, 1, 1],
      [20_000, 1, true, 2, 0, 10_000],
    ]);
  });

  it('moves to now with all it owes when the clock had jumped forth and came back', () => {
    timeline(rule, [
      [1_000_000, 3, true, 0, 0, 10_000],
      [5_000, 1, false, 0, 10_000, 10_000],
      [14_999, 1, false, 0, 1, 1],
      [15_000, 1, true, 2, 0, 10_000],
    ]);
  });
});

describe('fixed-window, 1 in 1 ms', () => {
  it('is exact to the millisecond', () => {
    timeline(policy('fixed-window', { limit: 1, window: 1 }), [
      [7, 1, true, 0, 0, 1],
      [7, 1, false, 0, 1, 1],
      [8, 1, true, 0, 0, 1],
    ]);
  });
});

describe('fixed-window, 3 in a calendar window', () => {
  const HOUR = 3_600_000;
  const in3 = (window: WindowDefinition) => policy('fixed-window', { limit: 3, window });
  const at = Date.parse;

  it('has its quota back at midnight in Berlin, after a day of 23 hours', () => {
    timeline(in3('day Europe/Berlin'), [
      // at, cost, allowed, remaining, retryAfter, resetAfter
      [at('2026-03-28T22:59:59Z'), 2, true, 1, 0, 1_000],
      [at('2026-03-28T23:00:00Z'), 0, true, 3, 0, 0],
      [at('2026-03-28T23:00:00Z'), 3, true, 0, 0, 23 * HOUR],
      [at('2026-03-29T01:30:00Z'), 1, false, 0, 20.5 * HOUR, 20.5 * HOUR],
      [at('2026-03-29T01:30:00Z'), 4, false, 0, -1, 20.5 * HOUR],
      [at('2026-03-29T12:00:00Z'), -1, true, 1, 0, 10 * HOUR],
      [at('2026-03-29T21:59:59.999Z'), 2, false, 1, 1, 1],
      [at('2026-03-29T22:00:00Z'), 1, true, 2, 0, 24 * HOUR],
    ]);
  });

  it('takes another zone or anchor when the next window opens', () => {
    timeline(in3('day UTC'), [
      [at('2026-07-15T12:00Z'), 2, true, 1, 0, 12 * HOUR],
      in3('day Asia/Tokyo'),
      // Midnight in Tokyo is past, but the day in UTC is not.
      [at('2026-07-15T16:00Z'), 1, true, 0, 0, 8 * HOUR],
      [at('2026-07-16T00:00Z'), 1, true, 2, 0, 15 * HOUR],
      in3({ calendar: 'day', anchor: '2026-01-01T09:30' }),
      [at('2026-07-16T14:59Z'), 2, true, 0, 0, HOUR / 60],
      [at('2026-07-16T15:00Z'), 1, true, 2, 0, 18.5 * HOUR],
    ]);
  });

  it('admits one quota in a window, through 400 changes of the zone and the anchor', () => {
    const zones = ['UTC', 'Asia/Tokyo', 'America/New_York', 'Pacific/Kiritimati', 'Etc/GMT+12'];
    let state: FixedWindowState | undefined;
    let admitted = 0;
    for (let i = 0; i < 400; i++) {
      const anchor = `2026-01-01T${String(i % 24).padStart(2, '0')}:00`;
      const rule = in3({ calendar: 'day', timeZone: zones[i % zones.length]!, anchor: i === 0 ? undefined : anchor });
      const judged = fixedWindow.judge(rule, state, 1, at('2026-07-15T00:00Z') + i * 3 * 60_000);
      if (judged.allowed) admitted++;
      state = judged.state;
    }
    expect(admitted).toBe(3);
    expect(state).toEqual({ end: at('2026-07-16T00:00Z'), used: 3 });
  });

  it('moves to the present window, with what was used, when a clock that had jumped ahead comes back', () => {
    timeline(in3('day UTC'), [
      [at('2026-08-01T12:00Z'), 3, true, 0, 0, 12 * HOUR],
      [at('2026-07-15T12:00Z'), 1, false, 0, 12 * HOUR, 12 * HOUR],
      [at('2026-07-15T23:59:59.999Z'), 1, false, 0, 1, 1],
      [at('2026-07-16T00:00Z'), 1, true, 2, 0, 24 * HOUR],
    ]);
  });

  it('stands while the clock is set back by less than the longest window', () => {
    timeline(in3('day UTC'), [
      [at('2026-07-16T12:00Z'), 3, true, 0, 0, 12 * HOUR],
      [at('2026-07-15T12:00Z'), 1, false, 0, 36 * HOUR, 36 * HOUR],
    ]);
  });

  it('has a state that survives JSON, is not written again for a denial, and lives until the window ends', () => {
    const rule = in3('month Europe/Berlin');
    const now = at('2026-02-10T00:00Z');
    const { state } = fixedWindow.judge(rule, undefined, 3, now);
    expect(JSON.parse(JSON.stringify(state))).toEqual({ end: at('2026-02-28T23:00Z'), used: 3 });
    expect(fixedWindow.judge(rule, state, 1, now).state).toBe(state);
    expect(fixedWindow.lifetime(rule, state!, now)).toBe(at('2026-02-28T23:00Z') - now);
    expect(fixedWindow.longestLifetime(rule)).toBe(32 * 24 * HOUR);
  });

  it('is recalled from an answer: the same end, and what was used', () => {
    const rule = in3('day Europe/Berlin');
    const now = at('2026-03-29T12:00Z');
    const { state, resetAfter } = fixedWindow.judge(rule, undefined, 2, now);
    expect(fixedWindow.recalled(rule, 2, resetAfter, now)).toEqual(state);
    expect(fixedWindow.recalled(rule, 0, 0, now)).toBeUndefined();
  });
});
