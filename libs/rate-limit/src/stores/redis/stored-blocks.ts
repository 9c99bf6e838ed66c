import type { RedisClient } from './connection/client.js';
import { inTime } from './wire/deadlines.js';

interface Reader {
  getBuffer(key: string): Promise<Buffer | null>;
}

/**
 * How much longer blocks last, in milliseconds; 0: over, or no block.
 *
 * @throws StoreUnavailableError
 */
export function blocksLeft(
  client: RedisClient,
  keys: readonly string[],
  now: number,
  timeout: number,
): Promise<number[]> {
  const read = async (key: string): Promise<number> => leftOf(await valueOf(client, key), now);
  return inTime(client, timeout, () => Promise.all(keys.map(read)));
}

/** A key of another type is not a block. */
async function valueOf(client: RedisClient, key: string): Promise<Buffer | null> {
  try {
    return await (client as RedisClient & Reader).getBuffer(key);
  } catch (error) {
    if (/WRONGTYPE/.test(String(error))) return null;
    throw error;
  }
}

/** lua/blocks.lua says how a block is stored. */
function leftOf(value: Buffer | null, now: number): number {
  if (value?.length !== 24) return 0;
  const [start, span] = [value.readDoubleLE(0), value.readDoubleLE(8)];
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(span) || start < 0 || span < 0) return 0;
  if (start - now > span) return span; // Written while the clock had jumped: it counts from now.
  return Math.max(0, start + span - now);
}
