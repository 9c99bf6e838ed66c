import { policy, timeline } from '../../support/timeline.js';

describe('sliding-window, 10 in 10 s', () => {
  const rule = policy('sliding-window', { limit: 10, window: '10s' });

  it('weighs the last window by how much of it is still in sight', () => {
    timeline(rule, [
      // at, cost, allowed, remaining, retryAfter, resetAfter
      [0, 10, true, 0, 0, 11_000],
      [5_000, 1, false, 0, 6_000, 6_000],
      // The second window begins at 10 s with all 10 in sight; a tenth of the window frees one.
      [10_000, 1, false, 0, 1_000, 1_000],
      [11_000, 1, true, 0, 0, 1_000],
      [15_000, 0, true, 4, 0, 1_000],
      [15_000, 5, false, 4, 1_000, 1_000],
      [15_000, 4, true, 0, 0, 1_000],
      // The third window: 5 from the second, none of the first.
      [20_000, 0, true, 5, 0, 2_000],
      [22_000, 6, true, 0, 0, 2_000],
    ]);
  });

  it('does not let a burst straddle two windows, as a fixed window does', () => {
    timeline(rule, [
      [0, 1, true, 9, 0, 20_000],
      [9_999, 9, true, 0, 0, 1_001],
      [10_000, 9, false, 0, 9_000, 1_000],
      [10_000, 1, false, 0, 1_000, 1_000],
    ]);
  });

  it('forgets after two windows', () => {
    timeline(rule, [
      [0, 10, true, 0, 0, 11_000],
      [19_999, 0, true, 9, 0, 1],
      [20_000, 0, true, 10, 0, 0],
    ]);
  });

  it("gives back this window's units first, then the last one's", () => {
    timeline(rule, [
      [0, 6, true, 4, 0, 11_667],
      [10_000, 2, true, 2, 0, 1_667],
      [10_000, -3, true, 5, 0, 2_000],
      [10_000, -5, true, 10, 0, 0],
    ]);
  });

  it('takes another limit at once and keeps what has been used', () => {
    timeline(rule, [
      [0, 10, true, 0, 0, 11_000],
      policy('sliding-window', { limit: 5, window: '10s' }),
      [10_000, 1, false, 0, 6_000, 6_000],
      policy('sliding-window', { limit: 20, window: '10s' }),
      [10_000, 10, true, 0, 0, 1_000],
    ]);
  });

  it('stands while the clock is set back', () => {
    timeline(rule, [
      [10_000, 10, true, 0, 0, 11_000],
      [5_000, 1, false, 0, 16_000, 16_000],
      [21_000, 1, true, 0, 0, 1_000],
    ]);
  });
});
