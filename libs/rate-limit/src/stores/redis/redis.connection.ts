import { kindOf, oneLine, RateLimitError, shown } from '../../core/errors.js';
import { isClusterClient, isRedisClient, type RedisClient } from './redis.client.js';
import { withFix } from './redis.failures.js';

/** ioredis' own options: host, port, db, username, password, tls, sentinels, … All of them are passed on. */
export interface RedisConnectionOptions {
  host?: string;
  port?: number;
  db?: number;
  username?: string;
  password?: string;
  // `any`, so that ioredis' own RedisOptions can be given: its types are not named here because it is optional.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [option: string]: any;
}

/** A Cluster: some of its nodes, and ioredis' ClusterOptions. */
export interface RedisClusterConnection {
  nodes: (string | { host?: string; port?: number })[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  options?: Record<string, any>;
}

/** Where Redis is: a url, ioredis options, the nodes of a Cluster, or a client of ioredis 5 or 6. */
export type RedisLocation = string | RedisConnectionOptions | RedisClusterConnection | RedisClient;

/** A client and whether it is ours to close. */
export interface Connection {
  readonly client: RedisClient;
  readonly ours: boolean;
}

type EventfulClient = RedisClient & {
  connect(): Promise<void>;
  on(event: 'error' | 'ready' | 'end', listener: (error: Error & { code?: string }) => void): void;
  on(event: '+node', listener: () => void): void;
  once(event: 'ready', listener: () => void): void;
};

/** In milliseconds: 100 at first, half a second at most, a quarter more or less. */
const backOff = (times: number): number => Math.min(50 * 2 ** Math.min(times, 4), 500) * (0.75 + Math.random() / 2);

/** A primary that was made a replica: connect anew, for Sentinel or a name in DNS may know where it is now. */
const isReplica = (error: Error): boolean => error.message.startsWith('READONLY');

/**
 * What a limiter needs of its connection: commands fail at once while it is down, none is ever sent twice (it may
 * have been charged), and it comes back within two seconds of Redis, also from one that went silent.
 */
const safeOptions = (timeout: number) => ({
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 1_000,
  disconnectTimeout: 500,
  socketTimeout: Math.max(1_000, 2 * timeout),
  maxLoadingRetryTime: 500,
  retryStrategy: backOff,
  reconnectOnError: isReplica,
  sentinelRetryStrategy: backOff,
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
 * @param tell hears of the connection failing and coming back, once each time, and of settings that are not safe
 * @throws RateLimitError `RL_REDIS_INVALID`, `RL_IOREDIS_MISSING`
 */
export async function connect(
  location: RedisLocation,
  timeout: number,
  tell: (news: string) => void,
): Promise<Connection> {
  if (isRedisClient(location)) {
    const dangers = dangersOf(location);
    if (dangers.length > 0) tell(`The Redis client that was handed in ${dangers.join('; and it ')}.`);
    return { client: location, ours: false };
  }
  checkLocation(location);
  const { Redis, Cluster } = await loadIoredis();
  const safe = safeOptions(timeout);
  const client = made(() =>
    typeof location === 'string'
      ? new Redis(location, safe)
      : isCluster(location)
        ? new Cluster(location.nodes, {
            ...safeClusterOptions,
            ...location.options,
            redisOptions: { ...safe, ...(location.options?.redisOptions as object | undefined) },
          })
        : new Redis({ ...safe, ...location }),
  ) as unknown as EventfulClient;
  await firstNews(client, tell);
  return { client, ours: true };
}

/** What ioredis does not take, it throws in its own words. */
function made<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    const reason = oneLine(error instanceof Error ? error.message : String(error));
    throw new RateLimitError('RL_REDIS_INVALID', `ioredis does not take what redis says: ${reason}`, { cause: error });
  }
}

/** What ioredis does by default that a limiter should not, each with the option that ends it. */
function dangersOf(client: RedisClient): string[] {
  const options = (client as { options?: Record<string, unknown> }).options ?? {};
  const isCluster = isClusterClient(client);
  const ofNode = isCluster ? ((options.redisOptions as Record<string, unknown> | undefined) ?? {}) : options;
  const sendsTwice = isCluster ? options.retryDelayOnFailover !== 0 : options.autoResendUnfulfilledCommands !== false;
  const isPatient = !ofNode.socketTimeout && !ofNode.commandTimeout;
  return [
    sendsTwice &&
      `sends commands again when its connection dies, which may charge requests twice: make it with ${isCluster ? 'retryDelayOnFailover: 0' : 'autoResendUnfulfilledCommands: false'}`,
    isPatient &&
      'takes minutes to notice that its connection went silent: make it with socketTimeout: 2000' +
        (isCluster ? ' in redisOptions' : ''),
  ].filter((danger) => danger !== false);
}

/** Lets go of a client of ours: politely, unless Redis does not answer. May be called twice. */
export async function disconnect({ client, ours }: Connection, patience: number): Promise<void> {
  if (!ours) return;
  const asked = client.quit().then(
    () => true,
    () => false,
  );
  let timer: NodeJS.Timeout | undefined;
  const impatient = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), patience)));
  const parted = await Promise.race([asked, impatient]);
  clearTimeout(timer);
  // On a connection that is closed already this would only start a timer, which keeps the process for two seconds.
  if (!parted && client.status !== 'end') client.disconnect();
}

/** A literal, or an object of a configuration class that says where Redis is. */
function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  const isLiteral = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isLiteral || ['host', 'port', 'path', 'sentinels', 'nodes'].some((name) => Object.hasOwn(value, name));
}

const isCluster = (location: object): location is RedisClusterConnection => 'nodes' in location;

function checkLocation(location: unknown): void {
  const fix = `redis must be a url like 'redis://localhost:6379', ioredis options, { nodes, options } or an ioredis client`;
  if (typeof location === 'string') {
    if (location.startsWith('/') || (/^rediss?:\/\//.test(location) && URL.canParse(location))) return;
    throw new RateLimitError(
      'RL_REDIS_INVALID',
      `${fix}, got ${shown(withoutPassword(location))}; leave it out for the memory store`,
    );
  }
  // Neither a promise of a client nor a client of another kind, whose options ioredis would not find.
  if (!isOptions(location)) {
    throw new RateLimitError('RL_REDIS_INVALID', `${fix}, got ${kindOf(location)}`);
  }
  const url = ['url', 'uri'].find((name) => name in location);
  if (url !== undefined) {
    throw new RateLimitError('RL_REDIS_INVALID', `ioredis has no option ${shown(url)}; give the url itself, as text`);
  }
  if (isCluster(location) && (!Array.isArray(location.nodes) || location.nodes.length === 0)) {
    throw new RateLimitError(
      'RL_REDIS_INVALID',
      `redis.nodes must be a list of at least one node, got ${kindOf(location.nodes)}`,
    );
  }
}

/**
 * All up to the last `@` but the scheme, because a password may hold anything in a url that is malformed; and all
 * behind `password=` or the like.
 */
const withoutPassword = (url: string): string =>
  url
    .replace(/((?:pass\w*|auth|secret|token)["']?\s*[=:]).*/is, '$1***')
    .replace(/^(["'\s]*[\w+.-]+:\/\/)?.*@/s, '$1***@');

/** ioredis is an optional peer: it is loaded only by those who use Redis. */
async function loadIoredis() {
  try {
    return await import('ioredis');
  } catch (error) {
    throw new RateLimitError(
      'RL_IOREDIS_MISSING',
      `redis is configured but ioredis cannot be loaded; npm install ioredis`,
      {
        cause: error,
      },
    );
  }
}

/** How long an application's start waits for news of its Redis. */
const FIRST_NEWS_WITHIN = 3_000;

/** How long a connection must hold until it is said to: one that flaps is not told of at every turn. */
const CALM = 1_000;

/**
 * Waits until the first attempt to connect has ended, well or not, and tells of every change from then on. An
 * application starts without its Redis.
 */
function firstNews(client: EventfulClient, tell: (news: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const patience = setTimeout(resolve, FIRST_NEWS_WITHIN);
    let isDown = false;
    let calm: NodeJS.Timeout | undefined;
    const heard = (): void => {
      clearTimeout(patience);
      resolve();
    };
    const up = (): void => {
      isDown = false;
      tell('Redis can be reached again.');
    };
    client.on('ready', () => {
      void connectNodes(client).then(heard);
      clearTimeout(calm);
      if (isDown) calm = setTimeout(up, CALM).unref();
    });
    client.on('error', ({ message, code, name }) => {
      heard();
      clearTimeout(calm);
      if (!isDown)
        tell(`Redis cannot be reached (${withFix(message || code || name)}). It is tried again until it can.`);
      isDown = true;
    });
    // Not before: while it looks for the nodes, ioredis takes one that is about to connect for one that is gone.
    client.on('+node', () => client.status === 'ready' && void connectNodes(client));
    // Options of the user's may have put it off.
    if (client.status === 'wait') client.connect().catch(() => undefined);
  });
}

/**
 * Connects a Cluster's nodes, and waits for the primaries. By itself ioredis connects when a node is first asked, and
 * what is asked meanwhile fails. Replicas too, because one that is made a primary is asked at once.
 */
async function connectNodes(client: EventfulClient): Promise<void> {
  if (!isClusterClient(client)) return;
  for (const node of client.nodes('all') as EventfulClient[]) {
    if (node.status === 'wait') node.connect().catch(() => undefined);
  }
  const waiting = (client.nodes('master') as EventfulClient[]).filter(({ status }) => status !== 'ready');
  await Promise.all(waiting.map((node) => new Promise<void>((resolve) => node.once('ready', resolve))));
}
