import type { RateLimitStore } from 'nestjs-redis-rate-limit';

/** Stores nothing: every quota is always full. */
export const unlimited: RateLimitStore = {
  consume: async (hits) =>
    hits.map(({ policy: { limit } }) => {
      return { allowed: true, limit, remaining: limit, resetAfter: 0, retryAfter: 0, by: 'store' };
    }),
  reset: async () => {},
};
