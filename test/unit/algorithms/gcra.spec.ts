import { policy, timeline } from '../../support/timeline.js';

describe('gcra, 10 per second with bursts of 3', () => {
  it('spends the burst at once, then one unit every 100 ms', () => {
    timeline(policy('gcra', { limit: 10, window: '1s', burst: 3 }), [
      // at, cost, allowed, remaining, retryAfter, resetAfter
      [0, 2, true, 1, 0, 100],
      [0, 2, false, 1, 100, 100],
      [100, 2, true, 0, 0, 100],
      [400, 0, true, 3, 0, 0],
    ]);
  });
});

describe('gcra, 10 per second', () => {
  it('paces requests: one every 100 ms, and never two at once', () => {
    timeline(policy('gcra', { limit: 10, window: '1s' }), [
      [0, 1, true, 0, 0, 100],
      [99, 1, false, 0, 1, 1],
      [100, 1, true, 0, 0, 100],
      [1_000, 2, false, 1, -1, 0],
      [1_000, 1, true, 0, 0, 100],
    ]);
  });
});
