import { tenantIdIn, userIdIn, withoutUserId } from '../../libs/rate-limit/src/nest/keys/claims.js';

describe('a user without an identity is named by its kind, and by the names of its fields', () => {
  const unreadable = new Proxy({}, { ownKeys: () => ['id', 'id'] });

  it.each<[unknown, RegExp]>([
    [{ username: 'ada' }, /: it has username\. /],
    [{}, /it has no fields/],
    [true, /it is a boolean/],
    [NaN, /it is a number/],
    [Promise.resolve({ id: 1 }), /it is a promise \(add the missing await to your guard\)/],
    [[{ id: 1 }], /it is a list of 1/],
    [{ 'a\nforged line': 1 }, /it has a\\u000aforged line/],
    [Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, i])), /it has f0, .*f11 and 28 more/],
  ])('%p', (user, says) => {
    expect(userIdIn(user)).toBeUndefined();
    expect(withoutUserId(user)).toMatch(says);
  });

  it('and one that cannot be read is no error', () => {
    const throwing = {
      get id(): string {
        throw new Error('not loaded');
      },
      sub: 'ada',
    };
    expect(userIdIn(throwing)).toBe('ada');
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const user of [proxy, unreadable]) {
      expect([userIdIn(user), tenantIdIn(user)]).toEqual([undefined, undefined]);
      expect(withoutUserId(user)).toMatch(/it cannot be read/);
    }
  });
});
