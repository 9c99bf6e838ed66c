import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { nearLimitOf } from '../../libs/rate-limit/src/engine/observer/near-limit.js';

it('a custom store that returns fewer decisions than hits fails no request because of warnAt', () => {
  const policy = definePolicy({ name: 'api', limit: 10, window: '1m', warnAt: 0.5 });
  const hit = { policy, key: 'a', cost: 6 };
  const decision = { allowed: true, limit: 10, remaining: 4, resetAfter: 1, retryAfter: 0, by: 'store' } as const;
  expect(nearLimitOf([hit, { ...hit, key: 'b' }], [decision])).toMatchObject([{ policy: 'api', key: 'a' }]);
  expect(nearLimitOf([hit], [])).toEqual([]);
});
