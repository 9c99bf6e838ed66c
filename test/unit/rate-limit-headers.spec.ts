import { blocked, quotaExceeded } from '../../libs/rate-limit/src/headers/problem-details.js';
import { definePolicy, rateLimitHeaders, type Decision } from 'nestjs-redis-rate-limit';

const burst = definePolicy({ name: 'burst', limit: 5, window: '1s' });
const daily = definePolicy({ name: 'daily', limit: 100, window: '1d' });
const passed: Decision = {
  allowed: true,
  limit: 100,
  remaining: 99,
  resetAfter: 86_400_000,
  retryAfter: 0,
  by: 'store',
};
const denied: Decision = {
  allowed: false,
  limit: 5,
  remaining: 0,
  resetAfter: 300,
  retryAfter: 1_200,
  by: 'store',
};
const both = [
  { policy: burst, cost: 1, decision: denied },
  { policy: daily, cost: 1, decision: passed },
];

describe('the header fields of an answer that code makes itself', () => {
  it('tell of every policy, and nothing else when all of them pass', () => {
    expect(rateLimitHeaders([{ policy: daily, cost: 1, decision: passed }])).toEqual({
      'RateLimit-Policy': '"daily";q=100;w=86400',
      RateLimit: '"daily";r=99;t=86400',
    });
  });

  it('tell on a denial when to come back, rounded up, and that no cache may keep it', () => {
    expect(rateLimitHeaders(both)).toEqual({
      'RateLimit-Policy': '"burst";q=5;w=1, "daily";q=100;w=86400',
      RateLimit: '"burst";r=0;t=1, "daily";r=99;t=86400',
      'Retry-After': '2',
      'Cache-Control': 'no-store',
    });
  });

  it.each([
    [1, '1'],
    [999, '1'],
    [1_000, '1'],
    [1_001, '2'],
    [56_999, '57'],
  ])('tell whole seconds and never too few: %d ms are %s', (retryAfter, seconds) => {
    const verdict = { policy: burst, cost: 1, decision: { ...denied, retryAfter, resetAfter: retryAfter } };
    expect(rateLimitHeaders([verdict], { profile: 'both', now: 0 })).toMatchObject({
      'Retry-After': seconds,
      RateLimit: `"burst";r=0;t=${seconds}`,
      'X-RateLimit-Reset': seconds,
    });
  });

  it('have no Retry-After when the request can never pass', () => {
    const never = { ...denied, retryAfter: -1 };
    expect(rateLimitHeaders([{ policy: burst, cost: 6, decision: never }])).not.toHaveProperty('Retry-After');
  });

  it('are those of the profile that is asked for', () => {
    expect(rateLimitHeaders(both, { profile: 'legacy', now: 1_000_000 })).toEqual({
      'X-RateLimit-Limit': '5',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': '1001',
      'Retry-After': '2',
      'Cache-Control': 'no-store',
    });
    expect(rateLimitHeaders(both, { profile: 'none' })).toEqual({ 'Retry-After': '2', 'Cache-Control': 'no-store' });
  });

  it('of the legacy profile are of the policy that a client meets first', () => {
    const hourly = definePolicy({ name: 'hourly', limit: 20, window: '1h' });
    const of = (policy: typeof daily, of: Partial<Decision>) => ({
      policy,
      cost: 1,
      decision: { ...passed, limit: policy.limit, ...of },
    });
    const before = (first: ReturnType<typeof of>, second: ReturnType<typeof of>) => {
      for (const verdicts of [
        [first, second],
        [second, first],
      ]) {
        expect(rateLimitHeaders(verdicts, { profile: 'legacy', now: 0 })).toMatchObject({
          'X-RateLimit-Limit': String(first.policy.limit),
          'X-RateLimit-Remaining': String(first.decision.remaining),
          'X-RateLimit-Reset': String(first.decision.resetAfter / 1_000),
        });
      }
    };
    before(
      of(daily, { remaining: 7, resetAfter: 7_000, allowed: false, retryAfter: 9_000 }),
      of(hourly, { remaining: 0, resetAfter: 9_000 }),
    );
    before(of(daily, { remaining: 6, resetAfter: 7_000 }), of(hourly, { remaining: 7, resetAfter: 9_000 }));
    before(of(daily, { remaining: 7, resetAfter: 7_000 }), of(hourly, { remaining: 7, resetAfter: 6_000 }));
  });

  describe('under a calendar window', () => {
    const day = definePolicy({ name: 'day', limit: 9, window: 'day Europe/Berlin' });
    const month = definePolicy({ name: 'month', limit: 9, window: 'month Europe/Berlin' });
    const HOUR = 3_600_000;
    /** The field at a time, for a decision that says the rest of the window. */
    const field = (policy: typeof day, instant: string, resetAfter: number, more: Partial<Decision> = {}) =>
      rateLimitHeaders([{ policy, cost: 1, decision: { ...passed, limit: 9, resetAfter, ...more } }], {
        now: Date.parse(instant),
      })['RateLimit-Policy'];

    it.each([
      ['23 hours', day, '2026-03-29T12:00:00Z', 10 * HOUR, 82_800],
      ['25 hours', day, '2026-10-25T12:00:00Z', 11 * HOUR, 90_000],
      ['its first millisecond', day, '2026-10-24T22:00:00.000Z', 25 * HOUR, 90_000],
      ['its last one', day, '2026-10-25T22:59:59.999Z', 1, 90_000],
      ['a full quota', day, '2026-10-25T12:00:00Z', 0, 90_000],
      ['February', month, '2026-02-10T23:00:00Z', 18 * 24 * HOUR, 28 * 86_400],
      ['March, in which clocks are set forward', month, '2026-02-28T23:00:00Z', 743 * HOUR, 743 * 3_600],
    ])('name the length of the present one: %s', (_, policy, instant, resetAfter, seconds) => {
      expect(field(policy, instant, resetAfter)).toBe(`"${policy.name}";q=9;w=${seconds}`);
    });

    it('name that of the store’s clock, also while ours is hours behind or ahead', () => {
      // By the store's clock it is noon on the day of 23 hours, and then the next day.
      for (const ours of ['2026-03-29T02:00:00Z', '2026-03-29T22:00:00Z']) {
        expect(field(day, ours, 10 * HOUR)).toBe('"day";q=9;w=82800');
      }
      expect(field(day, '2026-03-29T21:30:00Z', 24 * HOUR)).toBe('"day";q=9;w=86400');
    });

    it('name the present one also while a block lasts longer than it', () => {
      const blocked = { allowed: false, remaining: 0, retryAfter: 24 * HOUR, blockedFor: 24 * HOUR };
      expect(field(day, '2026-03-28T12:00:00Z', 24 * HOUR, blocked)).toBe('"day";q=9;w=86400');
      const short = { ...blocked, retryAfter: 11 * HOUR, blockedFor: HOUR };
      expect(field(day, '2026-03-28T12:00:00Z', 11 * HOUR, short)).toBe('"day";q=9;w=86400');
    });

    it('say the rest of weeks in seconds, and the reset as the instant of the boundary', () => {
      const rest = 31 * 24 * HOUR - HOUR;
      const decision = { ...denied, limit: 9, resetAfter: rest, retryAfter: rest };
      const now = Date.parse('2026-02-28T23:00:00Z');
      expect(rateLimitHeaders([{ policy: month, cost: 1, decision }], { profile: 'both', now })).toMatchObject({
        RateLimit: '"month";r=0;t=2674800',
        'Retry-After': '2674800',
        'X-RateLimit-Reset': String(Date.parse('2026-03-31T22:00:00Z') / 1_000),
      });
    });

    it('say the reset to the second, although the decision is some milliseconds old', () => {
      const reset = (policy: typeof day, more: Partial<Decision> = {}) =>
        rateLimitHeaders([{ policy, cost: 1, decision: { ...passed, limit: 9, resetAfter: 7_000, ...more } }], {
          profile: 'legacy',
          now: 1_000_003,
        })['X-RateLimit-Reset'];
      expect(reset(day)).toBe('1007');
      // A span and a block end at any moment: not too early.
      expect(reset(daily)).toBe('1008');
      expect(reset(day, { blockedFor: 7_000 })).toBe('1008');
    });
  });

  it('are not made of a policy that nobody checked', () => {
    const policy = { name: 'x', limit: 10, window: '10s' } as never;
    expect(() => rateLimitHeaders([{ policy, cost: 1, decision: passed }])).toThrow('RL_POLICY_INVALID');
  });

  it('are none without policies', () => {
    expect(rateLimitHeaders([])).toEqual({});
  });
});

it.each([
  [1, '1 s'],
  [7_199_000, '7199 s'],
  [7_200_001, '3 hours'],
  [172_799_999, '48 hours'],
  [172_800_001, '3 days'],
  [31 * 86_400_000, '31 days'],
])('the body of a denial says a wait of %d ms as %s', (wait, words) => {
  for (const problem of [quotaExceeded(['a'], wait), blocked(['a'], wait)]) {
    expect(problem.detail).toMatch(new RegExp(`; try again in ${words}\\.$`));
    expect(problem.message).toMatch(new RegExp(`Try again in ${words}\\.$`));
  }
});
