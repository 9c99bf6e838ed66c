import { createRequire } from 'node:module';
import { Redis } from 'ioredis';

// It recognises a client by its class, and is CommonJS: both must mean the same ioredis.
const { ThrottlerStorageRedisService } = createRequire(import.meta.url)('@nest-lab/throttler-storage-redis');

/**
 * The official throttler's storage, asked as ThrottlerGuard asks it: limit after limit, each awaited, and none after
 * one that denies. A block lasts as long as its limit's window, the guard's default.
 */
async function nestLab({ url, limit, windows, enableAutoPipelining = false }) {
  const client = new Redis(url, { enableAutoPipelining });
  const storage = new ThrottlerStorageRedisService(client);
  const throttlers = windows.map((ttl, i) => ({ ttl, name: windows.length === 1 ? 'default' : `limit-${i}` }));
  return {
    decide: async (key) => {
      for (const { ttl, name } of throttlers) {
        const { isBlocked } = await storage.increment(key, ttl, limit, ttl, name);
        if (isBlocked) return false;
      }
      return true;
    },
    close: () => client.disconnect(),
  };
}

export const throttler = { id: 'nest-lab', label: '@nestjs/throttler + nest-lab', kind: 'peer', open: nestLab };

export const throttlerPipelined = {
  id: 'nest-lab-pipelined',
  label: '@nestjs/throttler + nest-lab, auto-pipelined',
  kind: 'tuned',
  open: (setup) => nestLab({ ...setup, enableAutoPipelining: true }),
};
