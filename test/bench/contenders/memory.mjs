import { createRequire } from 'node:module';
import { MemoryStore } from 'express-rate-limit';
import { RateLimiterMemory } from 'rate-limiter-flexible';

// Limiters that keep their counts in the process. One limit each. What else they decide is in the files beside this.

/** An answer that is known: what the loop around all of them costs. */
export const known = {
  id: 'known',
  label: 'an answer that is known: the loop itself',
  kind: 'floor',
  open: () => ({ decide: () => true, close: () => {} }),
};

export const throttler = {
  id: 'throttler-memory',
  label: '@nestjs/throttler, a log of each key',
  kind: 'peer',
  open: ({ limit, windows: [ttl] }) => {
    const { ThrottlerStorageService } = createRequire(import.meta.url)('@nestjs/throttler');
    const storage = new ThrottlerStorageService();
    return {
      decide: (key) => storage.increment(key, ttl, limit, ttl, 'default').then(({ isBlocked }) => !isBlocked),
      close: () => storage.onApplicationShutdown(),
    };
  },
};

export const rateLimiterFlexible = {
  id: 'flexible-memory',
  label: 'rate-limiter-flexible, RateLimiterMemory',
  kind: 'peer',
  open: ({ limit, windows: [window] }) => {
    const limiter = new RateLimiterMemory({ points: limit, duration: window / 1_000 });
    return { decide: (key) => limiter.consume(key).then(admitted, denied), close: () => {} };
  },
};

const admitted = () => true;

function denied(reason) {
  if (reason instanceof Error) throw reason;
  return false;
}

export const expressRateLimit = {
  id: 'express-memory',
  label: 'express-rate-limit, MemoryStore',
  kind: 'peer',
  open: ({ limit, windows: [windowMs] }) => {
    const store = new MemoryStore();
    store.init({ windowMs });
    return {
      decide: (key) => store.increment(key).then(({ totalHits }) => totalHits <= limit),
      close: () => store.shutdown(),
    };
  },
};
