import { policy, timeline } from '../../support/timeline.js';

describe('token-bucket, 10 per second, holding 10', () => {
  const rule = policy('token-bucket', { limit: 10, window: '1s' });

  it('starts full and refills evenly, a token every 100 ms', () => {
    timeline(rule, [
      // at, cost, allowed, remaining, retryAfter, resetAfter
      [0, 10, true, 0, 0, 100],
      [50, 1, false, 0, 50, 50],
      [99, 1, false, 0, 1, 1],
      [100, 1, true, 0, 0, 100],
      [350, 0, true, 2, 0, 50],
      [350, 5, false, 2, 250, 50],
      [1_100, 0, true, 10, 0, 0],
    ]);
  });

  it('keeps the fractions of a token', () => {
    timeline(policy('token-bucket', { limit: 3, window: '1s' }), [
      [0, 3, true, 0, 0, 334],
      [333, 1, false, 0, 1, 1],
      [334, 1, true, 0, 0, 333],
      [667, 1, true, 0, 0, 333],
      [1_000, 1, true, 0, 0, 334],
    ]);
  });

  it('takes another limit or burst at once and keeps what has been used', () => {
    timeline(rule, [
      [0, 10, true, 0, 0, 100],
      policy('token-bucket', { limit: 10, window: '1s', burst: 15 }),
      [0, 5, true, 0, 0, 100],
      policy('token-bucket', { limit: 5, window: '1s' }),
      // 15 owed, 5 held: eleven tokens at 5 per second until there is one.
      [0, 1, false, 0, 2_200, 2_200],
      policy('token-bucket', { limit: 0, window: '1s' }),
      [1_000, 1, false, 0, -1, 0],
    ]);
  });

  it('gives back, never above full', () => {
    timeline(rule, [
      [0, 4, true, 6, 0, 100],
      [50, -2, true, 8, 0, 50],
      [50, -5, true, 10, 0, 0],
    ]);
  });

  it('refills nothing for a clock that was set back, nor twice for one that returns', () => {
    timeline(rule, [
      [1_000, 10, true, 0, 0, 100],
      [500, 1, false, 0, 600, 600],
      [1_000, 1, false, 0, 100, 100],
      [1_100, 1, true, 0, 0, 100],
    ]);
  });

  it('does not stay shut for as long as a clock had jumped', () => {
    timeline(rule, [
      [1_000_000, 10, true, 0, 0, 100],
      [0, 1, false, 0, 100, 100],
      [100, 1, true, 0, 0, 100],
    ]);
  });
});
