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

  it('are not made of a policy that nobody checked', () => {
    const policy = { name: 'x', limit: 10, window: '10s' } as never;
    expect(() => rateLimitHeaders([{ policy, cost: 1, decision: passed }])).toThrow('RL_POLICY_INVALID');
  });

  it('are none without policies', () => {
    expect(rateLimitHeaders([])).toEqual({});
  });
});
