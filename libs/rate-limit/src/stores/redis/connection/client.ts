import { oneLine } from '../../../core/shown.js';
import { withoutPassword } from './without-password.js';

/**
 * The methods that the store needs of a client: a `Redis` or a `Cluster` of ioredis 5 or 6. An interface, because
 * `instanceof` fails if an application has two copies of ioredis.
 */
export interface RedisClient {
  /** `EVALSHA`: runs the script that Redis has under this digest. */
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** `EVAL`: runs the script, and Redis keeps it. */
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** `SCRIPT LOAD`. */
  script(subcommand: 'LOAD', script: string): Promise<unknown>;
  /** `PEXPIRE`: a time to live, in milliseconds. */
  pexpire(key: string, span: number): Promise<unknown>;
  /** `HGET`. */
  hget(key: string, field: string): Promise<string | null>;
  /** `HGETALL`. */
  hgetall(key: string): Promise<Record<string, string>>;
  /** `QUIT`: closes the connection after pending commands are answered. Never called on a client that you pass. */
  quit(): Promise<unknown>;
  /** Closes the connection at once. Never called on a client that you pass. */
  disconnect(): void;
  /** The state of the connection: `ready`, `reconnecting`, `end` … */
  readonly status?: string;
}

/** Each command of ioredis has a form that returns bytes. Its types do not have them all. */
export interface BinaryClient {
  evalshaBuffer: RedisClient['evalsha'];
  evalBuffer: RedisClient['eval'];
}

/** The part of ioredis' Cluster that its Redis does not have. */
export interface RedisClusterClient extends RedisClient {
  readonly isCluster: true;
  nodes(role: 'master' | 'all'): Pick<RedisClient, 'script'>[];
  /** Slot by slot, the nodes that serve it, the primary first. */
  readonly slots?: readonly (readonly string[] | undefined)[];
  readonly options?: { readonly keyPrefix?: string };
  /** Reads the slots again, unless it is reading them already. */
  refreshSlotsCache?(): void;
}

const METHODS = ['evalsha', 'eval', 'script', 'pexpire', 'hget', 'hgetall', 'quit', 'disconnect'] as const;

export const isRedisClient = (value: unknown): value is RedisClient =>
  typeof value === 'object' &&
  value !== null &&
  METHODS.every((method) => typeof (value as Partial<RedisClient>)[method] === 'function');

/** Wrappers around a client often lack these. */
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

/** The name of a client's Redis in messages: where it is, without a password. */
export function nameOf(client: RedisClient): string {
  if (isClusterClient(client)) return 'The Redis Cluster';
  const { host, port, path, sentinels, name } = (client as { options?: Address }).options ?? {};
  if (sentinels) return `Redis ${name ?? ''} of Sentinel`;
  return path || host ? `Redis at ${oneLine(withoutPassword(path ?? `${host}:${port}`))}` : 'Redis';
}
