import fc from 'fast-check';
import { ServerClock } from '../../libs/rate-limit/src/stores/redis/wire/clock.js';

describe('ServerClock', () => {
  it('is never ahead of the server, however long its replies took', () => {
    const replies = fc.array(fc.record({ there: fc.nat(300), back: fc.nat(300), pause: fc.nat(1_000) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(replies, fc.integer({ min: -10_000_000, max: 10_000_000 }), (all, offset) => {
        const clock = new ServerClock();
        let now = 0;
        let quickest = Infinity;
        for (const { there, back, pause } of all) {
          now += pause;
          clock.observe(now + there + offset, now, now + there + back);
          now += there + back;
          quickest = Math.min(quickest, back);
          expect(clock.at(now)).toBeLessThanOrEqual(now + offset);
          // And no further behind than its quickest reply took to come back.
          expect(clock.at(now)).toBeGreaterThanOrEqual(now + offset - quickest);
        }
      }),
    );
  });

  it('follows a server whose clock is set, forth or back', () => {
    const clock = new ServerClock();
    clock.observe(1_000, 0, 1);
    clock.observe(500_000, 10, 11);
    expect(clock.at(11)).toBe(500_000);
    clock.observe(2_000, 20, 21);
    expect(clock.at(21)).toBe(2_001);
  });
});
