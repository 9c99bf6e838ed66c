import { hasSlots } from '../../core/algorithms/index.js';
import type { Clock } from '../../core/clock.js';
import { MOST_LISTED, type OpenHold } from '../../core/holds/holding-store.js';
import type { Policy } from '../../core/policy.js';
import type { RedisClient } from './connection/client.js';
import { timeOf } from './scan.js';
import { inTime } from './wire/deadlines.js';
import { holdsKey } from './wire/keys.js';

/** What is read here, for operators: no request waits for it, so it needs no batch. */
interface Reader {
  time(): Promise<(string | number)[]>;
  hscanBuffer(key: string, cursor: string, count: 'COUNT', most: number): Promise<[Buffer, Buffer[]]>;
  zrangebyscore(key: string, ...range: (string | number)[]): Promise<string[]>;
}

/**
 * The open holds of a policy and key.
 *
 * @param state the key of the quota's state
 * @throws StoreUnavailableError
 */
export function openHoldsOf(
  client: RedisClient,
  policy: Policy,
  state: string,
  { timeout, now }: { readonly timeout: number; readonly now: Clock | undefined },
): Promise<OpenHold[]> {
  const reader = client as RedisClient & Reader;
  return inTime(client, timeout, async () => {
    const at = now ? Math.floor(now()) : await timeOf(reader);
    return hasSlots(policy) ? slotsIn(reader, state, at) : holdsIn(reader, holdsKey(state), at);
  });
}

async function slotsIn(reader: Reader, key: string, now: number): Promise<OpenHold[]> {
  const found = await reader.zrangebyscore(key, `(${now}`, '+inf', 'WITHSCORES', 'LIMIT', 0, MOST_LISTED);
  const open: OpenHold[] = [];
  for (let i = 0; i < found.length; i += 2)
    open.push({ id: found[i]!, cost: 1, expiresIn: Number(found[i + 1]) - now });
  return open;
}

/** lua/holds.lua says how a hold is stored. */
async function holdsIn(reader: Reader, key: string, now: number): Promise<OpenHold[]> {
  const open: OpenHold[] = [];
  let cursor = '0';
  do {
    const [next, found] = await reader.hscanBuffer(key, cursor, 'COUNT', 200);
    cursor = next.toString();
    for (let i = 0; i + 1 < found.length; i += 2) {
      const record = found[i + 1]!;
      if (record.length !== 32) continue;
      const expiresIn = record.readDoubleLE(0) - now;
      if (expiresIn > 0) open.push({ id: found[i]!.toString(), cost: record.readDoubleLE(16), expiresIn });
    }
  } while (cursor !== '0' && open.length < MOST_LISTED);
  return open.slice(0, MOST_LISTED);
}
