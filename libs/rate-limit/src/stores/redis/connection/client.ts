import { oneLine } from '../../../core/shown.js';
import { withoutPassword } from './without-password.js';

/**
 * What the store asks of a client: ioredis 5 or 6, a `Redis` or a `Cluster`. Described by what it can do, because
 * `instanceof` fails when an application holds two copies of ioredis.
 */
export interface RedisClient {
  /** `EVALSHA`: runs the script that Redis knows by this digest. */
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** `EVAL`: runs the script, which Redis then knows. */
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** `SCRIPT LOAD`. */
  script(subcommand: 'LOAD', script: string): Promise<unknown>;
  /** `PEXPIRE`: a time to live, in milliseconds. */
  pexpire(key: string, span: number): Promise<unknown>;
  /** `HGET`. */
  hget(key: string, field: string): Promise<string | null>;
  /** `HGETALL`. */
  hgetall(key: string): Promise<Record<string, string>>;
  /** `QUIT`: closes the connection when what is under way is answered. Never called on a client that was handed in. */
  quit(): Promise<unknown>;
  /** Closes the connection at once. Never called on a client that was handed in. */
  disconnect(): void;
  /** What the connection does: `ready`, `reconnecting`, `end` … */
  readonly status?: string;
}

/** Every command of ioredis has a form that gives bytes, of which its types say nothing. */
export interface BinaryClient {
  evalshaBuffer: RedisClient['evalsha'];
  evalBuffer: RedisClient['eval'];
}

/** The part of ioredis' Cluster that is no part of its Redis. */
export interface RedisClusterClient extends RedisClient {
  readonly isCluster: true;
  nodes(role: 'master' | 'all'): Pick<RedisClient, 'script'>[];
  /** Slot by slot, the nodes that serve it, the primary first. */
  readonly slots?: readonly (readonly string[] | undefined)[];
  readonly options?: { readonly keyPrefix?: string };
  /** Asks for the slots again, unless it is asking already. */
  refreshSlotsCache?(): void;
}

const METHODS = ['evalsha', 'eval', 'script', 'pexpire', 'hget', 'hgetall', 'quit', 'disconnect'] as const;

export const isRedisClient = (value: unknown): value is RedisClient =>
  typeof value === 'object' &&
  value !== null &&
  METHODS.every((method) => typeof (value as Partial<RedisClient>)[method] === 'function');

/** Objects that pass some methods of a client on often lack these. */
export const hasBinaryForms = (client: RedisClient): client is RedisClient & BinaryClient =>
  ['evalshaBuffer', 'evalBuffer'].every(
    (name) => typeof (client as unknown as Record<string, unknown>)[name] === 'function',
  );

export const isClusterClient = (client: RedisClient): client is RedisClusterClient =>
  (client as Partial<RedisClusterClient>).isCluster === true;

interface Address {
  host?: string;
  port?: number;
  path?: string;
  sentinels?: unknown;
  name?: string;
}

/** What a client's Redis is called in messages: where it is, without a password. */
export function nameOf(client: RedisClient): string {
  if (isClusterClient(client)) return 'The Redis Cluster';
  const { host, port, path, sentinels, name } = (client as { options?: Address }).options ?? {};
  if (sentinels) return `Redis ${name ?? ''} of Sentinel`;
  return path || host ? `Redis at ${oneLine(withoutPassword(path ?? `${host}:${port}`))}` : 'Redis';
}
