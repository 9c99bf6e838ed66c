import { createRequire } from 'node:module';
import { Redis } from 'ioredis';

// It recognises a client by its class, and is CommonJS: both must mean the same ioredis.
const { ThrottlerStorageRedisService } = createRequire(import.meta.url)('@nest-lab/throttler-storage-redis');

/**
 * The official throttler's storage, asked as ThrottlerGuard asks it: limit after limit, each awaited, and none after
 * one that denies. A block lasts as long as its limit's window, the guard's default.
 */
async function nestLab({ url, limit, windows }) {
  const client = new Redis(url);
  const storage = new ThrottlerStorageRedisService(client);
  const throttlers = windows.map((ttl, i) => ({ ttl, name: windows.length === 1 ? 'default' : `limit-${i}` }));
  const ask = (key, { ttl, name }) => storage.increment(key, ttl, limit, ttl, name);
  const [only] = throttlers;
  const decideOne = (key) => ask(key, only).then(({ isBlocked }) => !isBlocked);
  const decideAll = async (key) => {
    for (const each of throttlers) if ((await ask(key, each)).isBlocked) return false;
    return true;
  };
  return {
    decide: throttlers.length === 1 ? decideOne : decideAll,
    close: () => client.disconnect(),
  };
}

export const throttler = { id: 'nest-lab', label: '@nestjs/throttler + nest-lab', kind: 'peer', open: nestLab };
