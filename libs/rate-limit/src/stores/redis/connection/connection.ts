import { oneLine } from '../../../core/shown.js';
import { hasBinaryForms, isRedisClient, type RedisClient } from './client.js';
import { dangersOf, knowsSocketTimeout, TOO_OLD } from './handed-in.js';
import { redisInvalid } from './connection-options.js';
import { noteClosed } from './failures.js';
import { loadIoredis } from './load-ioredis.js';
import { targetOf, type RedisLocation } from './location.js';
import { firstNews } from './news.js';
import type { EventfulClient } from './quirks.js';
import { backOff, withHarmlessStrategies } from './strategies.js';

/** A client and whether it is ours to close. */
export interface Connection {
  readonly client: RedisClient;
  readonly ours: boolean;
}

/** A primary that was made a replica: connect anew, for Sentinel or a name in DNS may know where it is now. */
const isReplica = (error: Error): boolean => /\bREADONLY\b/.test(error.message);

/**
 * What a limiter needs of its connection: commands fail at once while it is down, none is ever sent twice (it may
 * have been charged), and it comes back within two seconds of Redis, also from one that went silent.
 */
const safeOptions = (timeout: number) => ({
  // As in ioredis 6. With ioredis 5 a host that has an IPv6 address alone could not be reached.
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
  // A primary that thaws after a failover thinks itself the primary for seconds: Sentinel tells of the other one at once.
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
 * Opens the connection, or takes the client that was given.
 *
 * @param timeout how long a call may take, in milliseconds
 * @param tell hears why the connection fails, once each time, and of settings that are not safe
 * @throws RateLimitError `RL_REDIS_INVALID`, `RL_IOREDIS_MISSING`
 */
export async function connect(
  location: RedisLocation,
  timeout: number,
  tell: (news: string) => void,
): Promise<Connection> {
  if (isRedisClient(location)) {
    if (!hasBinaryForms(location)) {
      throw redisInvalid('the client that redis gives is not one of ioredis: it has no evalshaBuffer()');
    }
    const dangers = dangersOf(location);
    if (dangers.length > 0) tell(`The Redis client that was handed in ${dangers.join('; and it ')}.`);
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
  if (!knowsSocketTimeout('nodes' in target ? (Redis.prototype as object) : client))
    tell(`The connection to Redis ${TOO_OLD}.`);
  await firstNews(client, tell);
  return { client, ours: true };
}

/** ioredis refuses options in words of its own. */
function opened<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    const reason = oneLine(error instanceof Error ? error.message : String(error));
    throw redisInvalid(`ioredis does not take what redis says: ${reason}`, { cause: error });
  }
}

/** Lets go of a client of ours: politely, unless Redis does not answer. May be called twice. */
export async function disconnect({ client, ours }: Connection, patience: number): Promise<void> {
  if (!ours) return;
  noteClosed(client);
  // From here on it fails because we close it.
  (client as EventfulClient).removeAllListeners('error').on('error', () => undefined);
  const asked = client.quit().then(
    () => true,
    () => false,
  );
  let timer: NodeJS.Timeout | undefined;
  const impatient = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), patience)));
  const parted = await Promise.race([asked, impatient]);
  clearTimeout(timer);
  // To part leaves connections to sentinels open. On others that are closed already this would only start a timer.
  const hasSentinels = Boolean((client as { options?: { sentinels?: unknown } }).options?.sentinels);
  if (hasSentinels || (!parted && client.status !== 'end')) client.disconnect();
}
