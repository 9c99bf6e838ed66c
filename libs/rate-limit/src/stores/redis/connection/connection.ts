import { oneLine } from '../../../core/shown.js';
import { hasBinaryForms, isRedisClient, type RedisClient } from './client.js';
import { dangersOf } from './handed-in.js';
import { redisInvalid } from './connection-options.js';
import { noteClosed } from './failures.js';
import { loadIoredis } from './load-ioredis.js';
import { targetOf, type RedisLocation } from './location.js';
import { firstNews } from './news.js';
import type { EventfulClient } from './quirks.js';
import { closeSilentConnections } from './silent-connections.js';
import { backOff, withHarmlessStrategies } from './strategies.js';

/** A client, and whether the limiter made it and must close it. */
export interface Connection {
  readonly client: RedisClient;
  readonly ours: boolean;
}

/** The primary became a replica: connect again, because Sentinel or DNS may return the new primary. */
const isReplica = (error: Error): boolean => /\bREADONLY\b/.test(error.message);

/**
 * What a limiter needs of its connection: commands fail at once while it is down, no command is sent twice (it may have
 * been charged), and it reconnects within two seconds after Redis is back, also if the connection went silent.
 */
const safeOptions = (timeout: number) => ({
  // As in ioredis 6. The default of ioredis 5 cannot reach a host that has only an IPv6 address.
  family: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 1_000,
  disconnectTimeout: 500,
  socketTimeout: Math.max(1_000, 2 * timeout),
  maxLoadingRetryTime: 500,
  retryStrategy: backOff,
  reconnectOnError: isReplica,
  // A primary that was frozen during a failover acts as primary for some seconds. Sentinel reports the new one at once.
  failoverDetector: true,
  sentinelRetryStrategy: backOff,
  sentinelReconnectStrategy: (times: number) => Math.min(1_000 * times, 10_000),
  sentinelCommandTimeout: 1_000,
});

const safeClusterOptions = {
  enableOfflineQueue: false,
  retryDelayOnFailover: 0,
  clusterRetryStrategy: backOff,
  slotsRefreshTimeout: 500,
};

/**
 * Opens the connection, or uses the client that was given.
 *
 * @param timeout how long a call may take, in milliseconds
 * @param tell receives warnings: why the connection fails, once for each outage, and unsafe settings
 * @throws RateLimitError `RL_REDIS_INVALID`, `RL_IOREDIS_MISSING`
 */
export async function connect(
  location: RedisLocation,
  timeout: number,
  tell: (news: string) => void,
): Promise<Connection> {
  if (isRedisClient(location)) {
    if (!hasBinaryForms(location)) {
      throw redisInvalid(
        'redis must be a client of ioredis, got one without evalshaBuffer(); pass the client itself, not a wrapper',
      );
    }
    const dangers = dangersOf(location);
    if (dangers.length > 0) tell(`The Redis client that you passed ${dangers.join('; and it ')}.`);
    return { client: location, ours: false };
  }
  const target = targetOf(location);
  const { Redis, Cluster } = await loadIoredis();
  const safe = safeOptions(timeout);
  const client = opened(() =>
    'nodes' in target
      ? new Cluster(target.nodes, {
          ...safeClusterOptions,
          ...withHarmlessStrategies(target.clusterOptions, tell),
          redisOptions: { ...safe, ...withHarmlessStrategies(target.redisOptions, tell) },
        })
      : new Redis({ ...safe, ...withHarmlessStrategies(target.options, tell) }),
  ) as unknown as EventfulClient;
  closeSilentConnections(client);
  await firstNews(client, tell);
  return { client, ours: true };
}

/** ioredis throws its own errors for some options. */
function opened<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    const reason = oneLine(error instanceof Error ? error.message : String(error));
    throw redisInvalid(`ioredis refuses the redis options: ${reason}`, { cause: error });
  }
}

/** Closes a client that the limiter made: with QUIT, or at once if Redis does not answer. May be called twice. */
export async function disconnect({ client, ours }: Connection, patience: number): Promise<void> {
  if (!ours) return;
  noteClosed(client);
  // Further errors only show that the client is being closed.
  (client as EventfulClient).removeAllListeners('error').on('error', () => undefined);
  const asked = client.quit().then(
    () => true,
    () => false,
  );
  let timer: NodeJS.Timeout | undefined;
  const impatient = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), patience)));
  const parted = await Promise.race([asked, impatient]);
  clearTimeout(timer);
  // QUIT leaves connections to sentinels open. On a closed client, disconnect() would only start a timer.
  const hasSentinels = Boolean((client as { options?: { sentinels?: unknown } }).options?.sentinels);
  if (hasSentinels || (!parted && client.status !== 'end')) client.disconnect();
}
