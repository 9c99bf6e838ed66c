import { StoreUnavailableError } from '../../../core/errors.js';
import type { RedisClient } from './client.js';

/** The errors of Redis when it cannot decide, with the reason and the fix. */
const FIXES: Readonly<Record<string, string>> = {
  READONLY: 'it is a replica; connect to the primary, through Sentinel or as a Cluster where it may move',
  OOM: 'its memory is full; raise maxmemory, or see what fills it',
  LOADING: 'it is loading its data from disk, and answers when that is done',
  BUSY: 'another script runs for too long; end it with SCRIPT KILL',
  NOAUTH: 'it requires a password; set username and password',
  WRONGPASS: 'check username and password',
  NOPERM: 'the ACL of the user lacks a permission; docs/redis.md lists those that are needed',
  CLUSTERDOWN: 'some slots of the Cluster have no primary; see CLUSTER INFO',
  TRYAGAIN: 'a slot is being moved, and answers when that is done',
  MASTERDOWN: 'it is a replica that has lost its primary; connect to the primary',
  NOREPLICAS: 'too few replicas are connected; see min-replicas-to-write',
  MISCONF: 'it cannot save to disk, so it refuses writes; see its log, or stop-writes-on-bgsave-error',
  CROSSSLOT: 'this is a Cluster; connect with { nodes: [...] }',
  MOVED: 'this is a Cluster; connect with { nodes: [...] }',
};

// Redis 6 quotes an error of a command in the script after a dash.
const CODE = new RegExp(`(?:^|[ -])(${Object.keys(FIXES).join('|')})(?= )`);

/** Errors without a code, or with a code that means something else here. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/^Too many Cluster redirections.* (?:ASK|MOVED) /, 'a slot is being moved, and answers when that is done'],
  [/DB index is out of range/, 'ioredis uses database 0 instead; set db to one that exists'],
  [
    /lua code string in VM/,
    "ioredis-mock cannot run the limiter's script; in tests leave redis out, or use a real one",
  ],
  [/in (subscriber|monitoring) mode/, 'give the limiter a separate client, as from duplicate()'],
  [/max number of clients/, 'too many clients are connected; close some, or raise maxclients'],
];

// Errors of ioredis that mean: not connected.
const AWAY = /Stream isn't writeable|Connection is closed|isn't ready and enableOfflineQueue|max retries per request/;

/** The place in our script, which messages leave out. */
const WHERE = /^ERR user_script:\d+: -?|\.?(?: script: \w+, on @user_script:\d+)?\.?$/g;

/** The fix, if it is known, and then the error of Redis. */
export function withFix(message: string): string {
  const fix = PHRASES.find(([pattern]) => pattern.test(message))?.[1] ?? FIXES[CODE.exec(message)?.[1] ?? ''];
  const said = message.replace(WHERE, '');
  return fix ? `${fix} (${said})` : said;
}

/** The last connection error of each client that the limiter made. Users see those of their own clients. */
const lastTold = new WeakMap<RedisClient, string>();

export const noteTold = (client: RedisClient, news: string): void => void lastTold.set(client, news);

/** Clients that the limiter made and closed. */
const closed = new WeakSet<RedisClient>();

export const noteClosed = (client: RedisClient): void => void closed.add(client);

/** Turns a client's error into the one error that stores reject with: the server, what happened, and the fix. */
export function asUnavailable(error: unknown, client: RedisClient, server: string): StoreUnavailableError {
  if (error instanceof StoreUnavailableError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const isAway = AWAY.test(message);
  const detail = isAway ? away(client) : `cannot decide: ${withFix(message)}`;
  return new StoreUnavailableError(`${server} ${detail}`, { cause: error, type: isAway ? 'unreachable' : 'refused' });
}

/** Why a client is not connected, as far as that is known. */
export function away(client: RedisClient): string {
  if (closed.has(client)) return 'is not connected: the limiter was closed';
  const why = lastTold.get(client);
  if (client.status === 'connect') return `is not ready: ${why || 'it is loading its data, or does not answer'}`;
  if (client.status === 'end') return 'is not connected: the client was closed, or its retryStrategy gave up';
  return why ? `is not connected: ${why}` : 'is not connected';
}

/** `QUEUED`: the application began a transaction on the client, and the limiter's command became part of it. */
export const unexpectedReply = (reply: unknown): StoreUnavailableError =>
  new StoreUnavailableError(
    String(reply) === 'QUEUED'
      ? 'the Redis client is inside a MULTI; give the limiter a separate client, as from duplicate()'
      : 'unexpected reply to the rate-limit script; is there a proxy in front of Redis?',
    { type: 'refused' },
  );

export const tooSlow = (server: string, timeout: number): StoreUnavailableError =>
  new StoreUnavailableError(
    `${server} gave no answer in ${timeout} ms (frozen, busy or too far away; see SLOWLOG, or raise timeout)`,
    { type: 'timeout' },
  );
