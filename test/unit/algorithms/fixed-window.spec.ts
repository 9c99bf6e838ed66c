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
