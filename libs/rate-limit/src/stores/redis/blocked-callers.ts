import type { Clock } from '../../core/clock.js';
import type { BlockedCaller } from '../../core/blocks/blocked-caller.js';
import type { Policy } from '../../core/policy.js';
import type { RedisClient } from './connection/client.js';
import { scan } from './scan.js';
import { blocksLeft } from './stored-blocks.js';
import { blockEnding, isDigest, keyOf, type StateKeys } from './wire/keys.js';
import { literally } from './wire/patterns.js';

/** Values that are read at once. */
const TOGETHER = 200;

interface Terms {
  readonly timeout: number;
  readonly now: Clock | undefined;
}

/**
 * The callers that a policy blocks now.
 *
 * @throws StoreUnavailableError
 */
export async function* blockedCallers(
  client: RedisClient,
  policy: Policy,
  keys: StateKeys,
  terms: Terms,
): AsyncGenerator<BlockedCaller, void, undefined> {
  const rest = policy.id + blockEnding(policy);
  const pattern = `${literally(keys.opening)}*${literally(`}:${rest}`)}`;
  for await (const { rest: _, ...caller } of callersUnder(client, pattern, keys, (found) => found === rest, terms)) {
    yield caller;
  }
}

/**
 * The callers with blocks whose keys match a pattern.
 *
 * @param isMeant whether what follows the partition is the key of a block that is meant: a pattern may match more
 */
export async function* callersUnder(
  client: RedisClient,
  pattern: string,
  keys: StateKeys,
  isMeant: (rest: string) => boolean,
  { timeout, now }: Terms,
): AsyncGenerator<BlockedCaller & { readonly rest: string }, void, undefined> {
  for await (const page of scan(client, pattern, timeout)) {
    const found = page.keys.flatMap((stored) => {
      const { partition = '', rest = '' } = keys.partsOf(stored) ?? {};
      const key = keyOf(partition);
      if (!isMeant(rest) || (key === undefined && !isDigest(partition))) return [];
      return [{ stored, rest, named: key === undefined ? { key, digest: partition } : { key } }];
    });
    for (let i = 0; i < found.length; i += TOGETHER) {
      const some = found.slice(i, i + TOGETHER);
      const at = now ? Math.floor(now()) : await page.time();
      const stored = some.map((each) => each.stored);
      const left = await blocksLeft(client, stored, at, timeout);
      for (const [n, { named, rest }] of some.entries()) {
        if (left[n]! > 0) yield { ...named, blockedFor: left[n]!, by: 'store', rest };
      }
    }
  }
}
