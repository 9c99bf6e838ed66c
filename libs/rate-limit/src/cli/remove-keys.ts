import type { RedisClient } from '../stores/redis/connection/client.js';
import type { Session } from './session.js';

/** Removes keys, one a command: on a Cluster they may be on several nodes. */
export async function removeKeys(session: Session, keys: readonly string[]): Promise<void> {
  const client = session.client as RedisClient & { del(key: string): Promise<number> };
  await session.ask(() => Promise.all(keys.map((key) => client.del(key))));
}
