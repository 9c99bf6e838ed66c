import { isIP } from 'node:net';
import { RateLimitError } from '../../../core/errors.js';
import { kindOf, shown } from '../../../core/shown.js';
import { withoutPassword } from './without-password.js';

/**
 * What an option of ioredis must be. ioredis checks almost none of its options: a wrong value ends the process, is
 * misread, or makes every connection fail. Many values come from the environment, where everything is text.
 */
interface Rule {
  readonly must: string;
  /** The value as ioredis needs it; `undefined` if it is wrong. */
  read(value: unknown): unknown;
  /** Whether `null` has a meaning. For other options `null` is the same as leaving them out. */
  readonly takesNull?: boolean;
}

/** The longest delay of Node's timers, in milliseconds. Longer ones fire at once. */
const LONGEST_TIMER = 2_147_483_647;

const whole = (least: number, most: number, takesNull = false): Rule => ({
  must: `a whole number from ${least} to ${most}`,
  read(value) {
    const number = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
    return Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most
      ? number
      : undefined;
  },
  takesNull,
});

const span = whole(0, LONGEST_TIMER);
const spanNotZero = whole(1, LONGEST_TIMER);
const retries = whole(0, LONGEST_TIMER, true);

const flag: Rule = {
  must: 'true or false',
  read: (value) => (typeof value === 'string' ? { true: true, false: false }[value.trim()] : is('boolean', value)),
};

const callback: Rule = {
  must: 'a function, or null',
  read: (value) => (value === false ? null : is('function', value)),
  takesNull: true,
};

const mapOrCallback: Rule = {
  must: 'an object or a function',
  read: (value) => is('object', value) ?? is('function', value),
};

const text: Rule = { must: 'text', read: (value) => is('string', value) };

const credential: Rule = {
  must: 'text',
  read: (value) => (typeof value === 'number' ? String(value) : Buffer.isBuffer(value) ? value : text.read(value)),
};

/** A name or an address. Not a url, not `host:port`, and not the text of a missing variable. */
const host: Rule = {
  must: "a name or an address alone, like 'redis.example'",
  read(value) {
    if (typeof value !== 'string' || isLeftover(value)) return undefined;
    const name = value.trim();
    return /^[\p{L}\p{N}_.-]+$/u.test(name) || isIP(name) ? name : undefined;
  },
};

/** Node.js ignores a ca that is not PEM, such as a path, or text with `\n` in place of line breaks. */
const isPem = (ca: unknown): boolean => typeof ca !== 'string' || /-----BEGIN [^-]+-----\s*\n/.test(ca);

const tls: Rule = {
  must: "true, false, or an object of tls.connect()'s options, whose ca is the text of a PEM file with its line breaks",
  read: (value) => {
    const on = flag.read(value);
    if (on !== undefined) return on ? {} : false;
    const isProfile = typeof value === 'string' && value.startsWith('RedisCloud');
    if (isProfile) return value;
    return Array.isArray(value) || !isPem((value as { ca?: unknown } | null)?.ca) ? undefined : is('object', value);
  },
};

const family: Rule = {
  must: '0, 4 or 6',
  read: (value) =>
    typeof value === 'string' || typeof value === 'number'
      ? ({ 0: 0, 4: 4, 6: 6, IPv4: 4, IPv6: 6 } as Record<string, number>)[String(value).trim()]
      : undefined,
};

const monitor: Rule = {
  must: 'left out, because a connection that monitors runs no other commands',
  read: (value) => (flag.read(value) === false ? false : undefined),
};

const sentinels: Rule = {
  must: "a list like [{ host: 'sentinel-1', port: 26379 }]",
  read: (value) => (Array.isArray(value) ? value : undefined),
};

/** The options that ioredis does not check itself. */
const RULES: Readonly<Record<string, Rule>> = {
  host,
  port: whole(1, 65_535),
  path: {
    must: "the path of a socket, like '/run/redis.sock'",
    read: (value) => (typeof value === 'string' && value !== '' && !value.includes('://') ? value : undefined),
  },
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

/** The value if it is of this type. */
const is = (type: string, value: unknown): unknown => (typeof value === type ? value : undefined);

/** Whether a value is what a template or `Number()` makes of a variable that is not set. */
const isLeftover = (value: unknown): boolean =>
  Number.isNaN(value) || (typeof value === 'string' && ['', 'undefined', 'null', 'NaN'].includes(value.trim()));

/** A hint for messages about such a value. */
export const hintOf = (value: unknown): string => (isLeftover(value) ? '; is an environment variable missing?' : '');

export const redisInvalid = (detail: string, options?: ErrorOptions): RateLimitError =>
  new RateLimitError('RL_REDIS_INVALID', detail, options);
