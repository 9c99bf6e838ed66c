import { StoreUnavailableError } from '../../core/errors.js';

/** What Redis says when it cannot decide, and what to do about it. */
const FIXES: Readonly<Record<string, string>> = {
  READONLY: 'it is a replica; connect to the primary, through Sentinel or as a Cluster where it may move',
  OOM: 'its memory is full; raise maxmemory, or set a maxmemory-policy that evicts',
  LOADING: 'it is reading its data from disk, and answers when it has',
  BUSY: "somebody's script runs for too long; SCRIPT KILL ends it",
  NOAUTH: 'it wants a password; give username and password',
  WRONGPASS: 'check username and password',
  NOPERM: "the user's ACL lacks a permission; docs/redis.md lists what is needed",
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

// ioredis' words for it are about its queues.
const AWAY = /Stream isn't writeable|Connection is closed|isn't ready and enableOfflineQueue|max retries per request/;

/** What the status of a client says about the server, where it says more than that it is not connected. */
const STATUSES: Readonly<Record<string, string>> = {
  connect: 'is not ready: it is reading its data, or does not answer',
  end: 'is not connected, and the client has given up: it was closed, or see its retryStrategy',
};

/** What Redis said, and what to do about it where that is known. */
export function withFix(message: string): string {
  const fix = FIXES[CODE.exec(message)?.[1] ?? ''];
  return fix ? `${message}: ${fix}` : message;
}

/**
 * What a client threw, as the one error a store rejects with: what happened, and the fix.
 *
 * @param server the address of a Cluster's node; empty where there is only one server
 * @param status the client's, in ioredis' words
 */
export function asUnavailable(error: unknown, server = '', status?: string): StoreUnavailableError {
  if (error instanceof StoreUnavailableError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const detail = AWAY.test(message)
    ? (STATUSES[status ?? ''] ?? 'is not connected')
    : `cannot decide: ${withFix(message)}`;
  return new StoreUnavailableError(`${titleOf(server)} ${detail}`, { cause: error });
}

export const tooSlow = (server = ''): StoreUnavailableError =>
  new StoreUnavailableError(`${titleOf(server)} gave no answer in time`);

const titleOf = (server: string): string => (server ? `Redis at ${server}` : 'Redis');
