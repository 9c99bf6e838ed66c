import { kindOf, shown } from '../../../core/shown.js';
import { RateLimitError } from '../../../core/errors.js';
import type { RedisClient } from './client.js';

/** ioredis' own options: host, port, db, username, password, tls, sentinels, … All of them are passed on. */
export interface RedisConnectionOptions {
  /** A name or an address. ioredis' default is `localhost`. */
  host?: string;
  /** ioredis' default is 6379. */
  port?: number;
  /** The number of the database. ioredis' default is 0. */
  db?: number;
  /** A user of Redis' ACL. */
  username?: string;
  /** The password; no message of ours shows it. */
  password?: string;
  /** Any other option of ioredis. */
  // `any`, so that ioredis' own RedisOptions can be given: its types are not named here because it is optional.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [option: string]: any;
}

/** Where a node of a Cluster is. */
export interface RedisClusterNode {
  /** A name or an address. */
  host?: string;
  /** Its port. */
  port?: number;
}

/** A Cluster: some of its nodes, and ioredis' ClusterOptions. */
export interface RedisClusterConnection {
  /** At least one; the others are found by asking it. Urls, or hosts and ports. */
  nodes: (string | RedisClusterNode)[];
  /** ioredis' ClusterOptions; `redisOptions` in them are those of each node's connection. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  options?: Record<string, any>;
}

/** Where Redis is: a url, ioredis options, the nodes of a Cluster, or a client of ioredis 5 or 6. */
export type RedisLocation = string | RedisConnectionOptions | RedisClusterConnection | RedisClient;

/** A literal, or an object of a configuration class that says where Redis is. */
function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  const isLiteral = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isLiteral || ['host', 'port', 'path', 'sentinels', 'nodes'].some((name) => Object.hasOwn(value, name));
}

export const isCluster = (location: object): location is RedisClusterConnection => 'nodes' in location;

/** @throws RateLimitError `RL_REDIS_INVALID` */
export function checkLocation(location: unknown): void {
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
