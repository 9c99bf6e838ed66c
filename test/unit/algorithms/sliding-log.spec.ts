import { policy, timeline } from '../../support/timeline.js';

describe('sliding-log, 3 in 10 s', () => {
  const rule = policy('sliding-log', { limit: 3, window: '10s' });

  it('gives each unit back exactly one window after it was spent', () => {
    timeline(rule, [
      // at, cost, allowed, remaining, retryAfter, resetAfter
      [0, 1, true, 2, 0, 10_000],
      [4_000, 2, true, 0, 0, 6_000],
      [4_000, 1, false, 0, 6_000, 6_000],
      [4_000, 2, false, 0, 10_000, 6_000],
      [9_999, 1, false, 0, 1, 1],
      [10_000, 1, true, 0, 0, 4_000],
      [13_999, 2, false, 0, 1, 1],
      [14_000, 2, true, 0, 0, 6_000],
    ]);
  });

  it('gives back the newest entries first', () => {
    timeline(rule, [
      [0, 1, true, 2, 0, 10_000],
      [5_000, 2, true, 0, 0, 5_000],
      [6_000, -1, true, 1, 0, 4_000],
      [10_000, 0, true, 2, 0, 5_000],
      [10_000, -5, true, 3, 0, 0],
    ]);
  });

  it('forgets what was given back, also of a long log', () => {
    timeline(policy('sliding-log', { limit: 100, window: '10s' }), [
      ...Array.from({ length: 40 }, (_, i): [number, number, boolean, number, number, number] => [
        i + 1,
        1,
        true,
        99 - i,
        0,
        10_000 - i,
      ]),
      [50, -30, true, 90, 0, 9_951],
      [60, 1, true, 89, 0, 9_941],
      [10_020, 0, true, 99, 0, 40],
    ]);
  });

  it('takes another limit at once and keeps what has been used', () => {
    timeline(rule, [
      [0, 2, true, 1, 0, 10_000],
      [1_000, 1, true, 0, 0, 9_000],
      policy('sliding-log', { limit: 1, window: '10s' }),
      // Both entries must go before one unit is there.
      [2_000, 1, false, 0, 9_000, 9_000],
      policy('sliding-log', { limit: 4, window: '10s' }),
      [2_000, 1, true, 0, 0, 8_000],
    ]);
  });

  it('moves to now with all it owes when the clock had jumped forth and came back', () => {
    timeline(rule, [
      [1_000_000, 1, true, 2, 0, 10_000],
      [1_005_000, 2, true, 0, 0, 5_000],
      [2_000, 1, false, 0, 10_000, 10_000],
      [12_000, 3, true, 0, 0, 10_000],
    ]);
  });

  it('counts exactly however much was spent since the log began', () => {
    const half = 499_999_999_999_999;
    timeline(policy('sliding-log', { limit: 2 * half + 1, window: 10 }), [
      [0, half, true, half + 1, 0, 10],
      ...Array.from({ length: 50 }, (_, i): [number, number, boolean, number, number, number][] => [
        [5 * i + 5, half, true, 1, 0, 5],
        [5 * i + 5, 2, false, 1, 5, 5],
      ]).flat(),
    ]);
  });
});
