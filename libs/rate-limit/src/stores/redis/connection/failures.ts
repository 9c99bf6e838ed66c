import { StoreUnavailableError } from '../../../core/errors.js';
import type { RedisClient } from './client.js';

/** What Redis says when it cannot decide, and what to do about it. */
const FIXES: Readonly<Record<string, string>> = {
  READONLY: 'it is a replica; connect to the primary, through Sentinel or as a Cluster where it may move',
  OOM: 'its memory is full; raise maxmemory, or see what fills it',
  LOADING: 'it is reading its data from disk, and answers when it has',
  BUSY: "somebody's script runs for too long; SCRIPT KILL ends it",
  NOAUTH: 'it wants a password; give username and password',
  WRONGPASS: 'check username and password',
  NOPERM: "the user's ACL lacks a permission; the documentation of Redis, Permissions, lists them",
  CLUSTERDOWN: 'some slots of the Cluster have no primary; see CLUSTER INFO',
  TRYAGAIN: 'a slot is being moved, and answers when it has',
  MASTERDOWN: 'it is a replica that has lost its primary; connect to the primary',
  NOREPLICAS: 'too few replicas are connected; see min-replicas-to-write',
  MISCONF: 'it cannot save to disk, and refuses to write; see its log, or stop-writes-on-bgsave-error',
  CROSSSLOT: 'this is a Cluster; connect with { nodes: [...] }',
  MOVED: 'this is a Cluster; connect with { nodes: [...] }',
};

// Behind a dash where Redis 6 quotes what a command of the script was answered.
const CODE = new RegExp(`(?:^|[ -])(${Object.keys(FIXES).join('|')})(?= )`);

/** Words that come without a code, or with one that stands for something else there. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/^Too many Cluster redirections.* (?:ASK|MOVED) /, 'a slot is being moved, and answers when it has'],
  [/DB index is out of range/, 'ioredis goes on in database 0; give one that exists'],
  [
    /lua code string in VM/,
    "ioredis-mock cannot run the limiter's script; in tests leave redis out, or use a real one",
  ],
  [/in (subscriber|monitoring) mode/, 'give the limiter a client of its own, as by duplicate()'],
  [/max number of clients/, 'find who holds them, or raise maxclients'],
];

// ioredis' words for it are about its queues.
const AWAY = /Stream isn't writeable|Connection is closed|isn't ready and enableOfflineQueue|max retries per request/;

/** Where in our script it was is for nobody. */
const WHERE = /^ERR user_script:\d+: -?|\.?(?: script: \w+, on @user_script:\d+)?\.?$/g;

/** What Redis said, behind what to do about it where that is known. */
export function withFix(message: string): string {
  const fix = PHRASES.find(([pattern]) => pattern.test(message))?.[1] ?? FIXES[CODE.exec(message)?.[1] ?? ''];
  const said = message.replace(WHERE, '');
  return fix ? `${fix} (${said})` : said;
}

/** What each client of ours was last told of its connection. Those of users tell them. */
const lastTold = new WeakMap<RedisClient, string>();

export const noteTold = (client: RedisClient, news: string): void => void lastTold.set(client, news);

/** Clients that we opened and closed again. */
const closed = new WeakSet<RedisClient>();

export const noteClosed = (client: RedisClient): void => void closed.add(client);

/** What a client threw, as the one error a store rejects with: who, what happened, and the fix. */
export function asUnavailable(error: unknown, client: RedisClient, server: string): StoreUnavailableError {
  if (error instanceof StoreUnavailableError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const detail = AWAY.test(message) ? away(client) : `cannot decide: ${withFix(message)}`;
  return new StoreUnavailableError(`${server} ${detail}`, { cause: error });
}

function away(client: RedisClient): string {
  if (closed.has(client)) return 'is not connected: the limiter was closed';
  const why = lastTold.get(client);
  if (client.status === 'connect') return `is not ready: ${why || 'it is reading its data, or does not answer'}`;
  if (client.status === 'end') return 'is not connected: the client was closed, or its retryStrategy gave up';
  return why ? `is not connected: ${why}` : 'is not connected';
}

/** `QUEUED`: somebody began a transaction on the client, and what the limiter asks becomes part of it. */
export const unexpectedReply = (reply: unknown): StoreUnavailableError =>
  new StoreUnavailableError(
    String(reply) === 'QUEUED'
      ? 'the Redis client is inside a MULTI; give the limiter a client of its own, as by duplicate()'
      : 'unexpected reply to the rate-limit script; is there a proxy in front of Redis?',
  );

export const tooSlow = (server: string, timeout: number): StoreUnavailableError =>
  new StoreUnavailableError(
    `${server} gave no answer in ${timeout} ms (frozen, busy, or too far away: see SLOWLOG, and timeout)`,
  );
