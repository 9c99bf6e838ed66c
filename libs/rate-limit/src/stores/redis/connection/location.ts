import { kindOf, oneLine, shown } from '../../../core/shown.js';
import type { RedisClient } from './client.js';
import { connectionOptions, hintOf, redisInvalid } from './connection-options.js';
import { endpointsOf } from './endpoints.js';
import { isRedisUrl, optionsOfUrl } from './redis-url.js';
import { withoutPassword } from './without-password.js';

/** ioredis' own options: host, port, db, username, password, tls, sentinels, … All of them are passed on. */
export interface RedisConnectionOptions {
  /** A name or an address. ioredis' default is `localhost`. */
  host?: string | undefined;
  /** ioredis' default is 6379. Text is for values of the environment. */
  port?: number | string | undefined;
  /** The number of the database. ioredis' default is 0. Text is for values of the environment. */
  db?: number | string | undefined;
  /** A user of Redis' ACL. */
  username?: string | undefined;
  /** The password. No message shows it. */
  password?: string | undefined;
  /** Any other option of ioredis. */
  // `any`, so that ioredis' own RedisOptions can be given: its types are not named here because it is optional.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [option: string]: any;
}

/** Where a node of a Cluster is. */
export interface RedisClusterNode {
  /** A name or an address. */
  host?: string | undefined;
  /** Its port. */
  port?: number | string | undefined;
}

/** A Cluster: some of its nodes, and ioredis' ClusterOptions. */
export interface RedisClusterConnection {
  /** At least one node; it knows the others. Urls, or hosts and ports. */
  nodes: (string | RedisClusterNode)[];
  /** ioredis' ClusterOptions; `redisOptions` in them are those of each node's connection. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  options?: Record<string, any>;
}

/** Where Redis is: a url, ioredis options, the nodes of a Cluster, or a client of ioredis 5 or 6. */
export type RedisLocation = string | RedisConnectionOptions | RedisClusterConnection | RedisClient;

/** An object literal, or an object of a configuration class with an option that says where Redis is. */
function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  const isLiteral = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isLiteral || ['host', 'port', 'path', 'sentinels', 'nodes'].some((name) => Object.hasOwn(value, name));
}

/** Where Redis is, as arguments of ioredis' constructors. */
export type Target =
  | { readonly options: Options }
  | { readonly nodes: Options[]; readonly clusterOptions: Options; readonly redisOptions: Options };

type Options = Record<string, unknown>;

/**
 * Reads the option `redis`, unless it is a client.
 *
 * @throws RateLimitError `RL_REDIS_INVALID` with the option and the value, never a password
 */
export function targetOf(location: unknown): Target {
  const must = `redis must be a url like 'redis://localhost:6379', ioredis options, { nodes, options } or an ioredis client`;
  if (typeof location === 'string') {
    if (isRedisUrl(location)) return { options: optionsOfUrl(location) };
    throw redisInvalid(
      `${must}, got ${shown(withoutPassword(location))}; leave it out for the memory store${hintOf(location)}${fixOf(location)}`,
    );
  }
  // Refuses a promise of a client, and a client of another library, whose options ioredis would not find.
  if (!isOptions(location)) throw redisInvalid(`${must}, got ${kindOf(location)}${fixOf(location)}`);
  return 'nodes' in location ? clusterOf(location) : { options: serverOf(location) };
}

function serverOf(location: object): Options {
  const options = connectionOptions(location, 'redis.');
  if (!options.sentinels) return options;
  return {
    // Without it ioredis ignores `tls` for the server behind Sentinel, and sends everything unencrypted.
    ...(options.tls ? { enableTLSForSentinelMode: true } : {}),
    ...options,
    sentinels: endpointsOf(options.sentinels as unknown[], 'redis.sentinels'),
  };
}

function clusterOf({ nodes, options, ...others }: { nodes?: unknown; options?: unknown }): Target {
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw redisInvalid(`redis.nodes must be a list of at least one node, got ${kindOf(nodes)}`);
  }
  const [misplaced] = Object.keys(others);
  if (misplaced !== undefined) {
    throw redisInvalid(
      `redis.${oneLine(misplaced)} is ignored beside nodes; put it into redis.options, or into redis.options.redisOptions if it is for each connection`,
    );
  }
  const { redisOptions, ...clusterOptions } = recordAt(options, 'redis.options');
  const read = endpointsOf(nodes, 'redis.nodes');
  return {
    nodes: read,
    clusterOptions: connectionOptions(clusterOptions, 'redis.options.'),
    redisOptions: {
      ...accessOf(read),
      ...connectionOptions(recordAt(redisOptions, 'redis.options.redisOptions'), 'redis.options.redisOptions.'),
    },
  };
}

/** The credentials of the given nodes. ioredis would not use them for the nodes that it discovers. */
function accessOf(nodes: Options[]): Options {
  const { username, password, tls } = nodes.find((node) => node.password !== undefined || node.tls) ?? {};
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
  };
}

function recordAt(value: unknown, place: string): Options {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Options;
  throw redisInvalid(`${place} must be an object of ioredis' options, got ${kindOf(value)}`);
}

/** The fix for common mistakes. */
function fixOf(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    return 'evalSha' in value || 'internal_send_command' in value
      ? '; this is a client of node-redis: create one with ioredis, or pass a url'
      : '';
  }
  if (typeof value !== 'string') return '';
  if (/^\s*["'`]/.test(value)) return '; remove the quotes';
  if (/^unix:/.test(value)) return "; for a socket pass only its path, like '/run/redis.sock'";
  return '';
}
