import { definePolicy } from '../../../libs/rate-limit/src/core/policy.js';
import { MemoryStore } from '../../../libs/rate-limit/src/stores/memory/memory.store.js';

// The timeline of docs/algorithms.md.

it('concurrency of 2: a third call is denied until one of the others has ended', async () => {
  const policy = definePolicy({ name: 'p', algorithm: 'concurrency', limit: 2, lease: '30s' });
  let now = 0;
  const store = new MemoryStore({ now: () => now });
  const take = (at: number, id: string) => {
    now = at;
    const [decision] = store.consume([{ policy, key: 'k', cost: 1, hold: { id, ttl: policy.lease } }]);
    const { allowed, remaining, resetAfter, retryAfter, isGuess } = decision!;
    return { allowed, remaining, resetAfter, retryAfter, ...(isGuess && { isGuess }) };
  };
  expect(take(0, 'a')).toEqual({ allowed: true, remaining: 1, resetAfter: 0, retryAfter: 0 });
  expect(take(1_000, 'b')).toEqual({ allowed: true, remaining: 0, resetAfter: 0, retryAfter: 0 });
  const denied = { allowed: false, remaining: 0, resetAfter: 0, retryAfter: 1_000, isGuess: true };
  expect(take(2_000, 'c')).toEqual(denied);
  now = 3_000;
  expect(await store.settle({ policy, key: 'k', id: 'a' }, 0)).toBe(true);
  expect(take(4_000, 'c')).toEqual({ allowed: true, remaining: 0, resetAfter: 0, retryAfter: 0 });
  // The lease of b was not renewed.
  expect(take(30_999, 'd')).toEqual({ ...denied, retryAfter: 1 });
  expect(take(31_000, 'd')).toMatchObject({ allowed: true });
});
