import { StoreUnavailableError } from '../../core/errors.js';
import { isClusterClient, nameOf, type RedisClient } from './connection/client.js';
import { away } from './connection/failures.js';
import { inTime } from './wire/deadlines.js';
import { literally } from './wire/patterns.js';

/** Commands for operators. No request waits for them, so they are sent without a batch. */
interface Scanner {
  scan(cursor: string, match: 'MATCH', pattern: string, count: 'COUNT', most: number): Promise<[string, string[]]>;
  time(): Promise<(string | number)[]>;
}

/** Keys of one server that match a pattern. */
export interface ScannedPage {
  /** Without the client's `keyPrefix`. */
  readonly keys: readonly string[];
  /** The server's clock, in milliseconds since the epoch. */
  readonly time: () => Promise<number>;
}

/** How many keys a server looks at for a page: about a millisecond of its time. */
const PAGE = 1_000;

/**
 * The keys that match a pattern, page by page, of a server or of all primaries of a Cluster. A key may come twice. Each
 * command has its own deadline.
 *
 * @param pattern begins with the prefix, without the client's `keyPrefix`
 * @throws StoreUnavailableError
 */
export async function* scan(
  client: RedisClient,
  pattern: string,
  timeout: number,
): AsyncGenerator<ScannedPage, void, undefined> {
  // SCAN is the one command to which ioredis does not add the `keyPrefix`.
  const before = keyPrefixOf(client);
  for (const server of serversOf(client)) {
    const time = () => inTime(client, timeout, () => timeOf(server));
    let cursor = '0';
    do {
      const [next, found] = await inTime(client, timeout, () =>
        server.scan(cursor, 'MATCH', literally(before) + pattern, 'COUNT', PAGE),
      );
      cursor = next;
      const keys = [...new Set(found)].map((key) => key.slice(before.length));
      if (keys.length > 0) yield { keys, time };
    } while (cursor !== '0');
  }
}

const keyPrefixOf = (client: RedisClient): string =>
  (client as { options?: { keyPrefix?: string } }).options?.keyPrefix ?? '';

function serversOf(client: RedisClient): Scanner[] {
  if (!isClusterClient(client)) return [client as RedisClient & Scanner];
  const primaries = client.nodes('master') as unknown as Scanner[];
  // An empty list would look as if nothing were stored.
  if (primaries.length === 0) {
    throw new StoreUnavailableError(`${nameOf(client)} ${away(client)}`, { type: 'unreachable' });
  }
  return primaries;
}

/** The server's clock, in milliseconds since the epoch. */
export async function timeOf(server: Pick<Scanner, 'time'>): Promise<number> {
  const [seconds, microseconds] = await server.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
