import type { RedisClient } from '../stores/redis/connection/client.js';
import type { Session } from './session.js';

/**
 * Removes keys.
 *
 * @returns how many were there
 */
export async function removeKeys(session: Session, keys: readonly string[]): Promise<number> {
  const client = session.client as RedisClient & { del(key: string): Promise<number> };
  const counts = await session.ask(() => Promise.all(keys.map((key) => client.del(key))));
  return counts.reduce((sum, count) => sum + count, 0);
}
