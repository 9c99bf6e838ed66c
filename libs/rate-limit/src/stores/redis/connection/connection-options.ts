import { RateLimitError } from '../../../core/errors.js';
import { kindOf, shown } from '../../../core/shown.js';
import {
  callback,
  credential,
  family,
  flag,
  host,
  isLeftover,
  LONGEST_TIMER,
  mapOrCallback,
  monitor,
  retries,
  type Rule,
  sentinels,
  socket,
  span,
  spanNotZero,
  text,
  tls,
  whole,
} from './option-rules.js';
import { withoutPassword } from './without-password.js';

/** The options whose wrong values ioredis does not refuse itself. */
const RULES: Readonly<Record<string, Rule>> = {
  host,
  port: whole(1, 65_535),
  path: socket,
  family,
  db: whole(0, LONGEST_TIMER),
  username: credential,
  password: credential,
  sentinelUsername: credential,
  sentinelPassword: credential,
  sentinels,
  name: text,
  keyPrefix: text,
  connectionName: text,
  clientInfoTag: text,
  tls,
  sentinelTLS: tls,
  protocol: whole(2, 3),
  connectTimeout: span,
  disconnectTimeout: span,
  socketTimeout: spanNotZero,
  commandTimeout: spanNotZero,
  sentinelCommandTimeout: spanNotZero,
  sentinelMaxConnections: spanNotZero,
  keepAlive: span,
  maxLoadingRetryTime: span,
  maxRetriesPerRequest: retries,
  retryStrategy: callback,
  reconnectOnError: callback,
  sentinelRetryStrategy: callback,
  sentinelReconnectStrategy: callback,
  natMap: mapOrCallback,
  lazyConnect: flag,
  enableOfflineQueue: flag,
  enableReadyCheck: flag,
  enableAutoPipelining: flag,
  enableTLSForSentinelMode: flag,
  autoResubscribe: flag,
  autoResendUnfulfilledCommands: flag,
  failoverDetector: flag,
  updateSentinels: flag,
  readOnly: flag,
  stringNumbers: flag,
  noDelay: flag,
  disableClientInfo: flag,
  monitor,
  // Of a Cluster.
  slotsRefreshTimeout: spanNotZero,
  slotsRefreshInterval: span,
  retryDelayOnFailover: span,
  retryDelayOnClusterDown: span,
  retryDelayOnTryAgain: span,
  retryDelayOnMoved: span,
  maxRedirections: span,
  clusterRetryStrategy: callback,
  clusterNodeRetryStrategy: callback,
  dnsLookup: callback,
  resolveSrv: callback,
  shardedSubscribers: flag,
  useSRVRecords: flag,
};

/** Option names of other clients and services. ioredis ignores them. */
const MISTAKEN: Readonly<Record<string, string>> = {
  url: "pass the url itself, as in redis: 'redis://localhost:6379'",
  uri: "pass the url itself, as in redis: 'redis://localhost:6379'",
  connectionString: "pass the url itself, as in redis: 'redis://localhost:6379'",
  socket: 'put host, port, path and tls beside the other options',
  hostname: 'use host',
  database: 'use db',
  user: 'use username',
  pass: 'use password',
  auth: 'use password',
  ssl: 'use tls',
  cluster: 'for a Cluster use { nodes, options }',
};

/**
 * Reads options for ioredis, each as ioredis needs it. An `undefined` option is left out, so that it does not replace
 * our default.
 *
 * @param place the text before an option's name in messages
 * @throws RateLimitError `RL_REDIS_INVALID`
 */
export function connectionOptions(options: object, place: string): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined) continue;
    const mistake = value && Object.hasOwn(MISTAKEN, name) && MISTAKEN[name];
    if (mistake) throw redisInvalid(`ioredis has no option ${shown(name)}; ${mistake}`);
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (!rule) read[name] = value;
    else if (value !== null) read[name] = valueBy(rule, value, place + name);
    else if (rule.takesNull) read[name] = null;
  }
  return read;
}

function valueBy(rule: Rule, value: unknown, place: string): unknown {
  const read = rule.read(value);
  if (read !== undefined) return read;
  const got =
    rule === credential ? typeof value : typeof value === 'string' ? shown(withoutPassword(value)) : kindOf(value);
  throw redisInvalid(`${place} must be ${rule.must}, got ${got}${hintOf(value)}`);
}

/** For messages: what may be behind such a value. */
export const hintOf = (value: unknown): string => (isLeftover(value) ? '; is an environment variable missing?' : '');

export const redisInvalid = (detail: string, options?: ErrorOptions): RateLimitError =>
  new RateLimitError('RL_REDIS_INVALID', detail, options);
