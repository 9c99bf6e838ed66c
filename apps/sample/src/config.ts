import type { Duration, RateLimitModuleOptions } from 'nestjs-redis-rate-limit';

/** What the environment says. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly adapter: 'express' | 'fastify';
  /** How many proxies stand in front: their word on the client's address is believed, nobody else's. */
  readonly trustedProxies: number;
  /** Absent: quotas are kept in this process's memory. */
  readonly redis: RateLimitModuleOptions['redis'];
  readonly prefix: string | undefined;
  /** Whether the page to play with is served. */
  readonly demo: boolean;
  /** Whether a span for each request is printed. */
  readonly traces: boolean;
  readonly ping: { readonly limit: number; readonly window: Duration };
  /** The API keys that `/api/feed` does not count, and those that it refuses. */
  readonly apiKeys: { readonly allowed: readonly string[]; readonly denied: readonly string[] };
}

/** For `@Inject(CONFIG)`. */
export const CONFIG = Symbol('config');

/** A value of the environment that cannot be used. Its message names the value and the fix. */
export class ConfigError extends Error {}

/** @throws ConfigError */
export function configFrom(env: NodeJS.ProcessEnv): Config {
  return {
    port: wholeNumber(env, 'PORT', { from: 0, to: 65_535 }) ?? 3000,
    host: text(env, 'HOST') ?? '127.0.0.1',
    adapter: oneOf(env, 'HTTP_ADAPTER', ['express', 'fastify']) ?? 'express',
    trustedProxies: wholeNumber(env, 'TRUST_PROXY', { from: 0, to: 100 }) ?? 0,
    redis: redisFrom(env),
    prefix: text(env, 'RATE_LIMIT_PREFIX'),
    demo: oneOf(env, 'DEMO', ['on', 'off']) !== 'off',
    traces: oneOf(env, 'TRACES', ['console', 'off']) === 'console',
    ping: {
      limit: wholeNumber(env, 'PING_LIMIT', { from: 0, to: 1_000_000 }) ?? 10,
      window: windowFrom(text(env, 'PING_WINDOW') ?? '10s'),
    },
    apiKeys: {
      allowed: listFrom(text(env, 'ALLOWED_API_KEYS') ?? 'partner-key'),
      denied: listFrom(text(env, 'DENIED_API_KEYS') ?? 'leaked-key'),
    },
  };
}

/** A url says everything, as do the nodes of a Cluster; without them, any of the others is enough to mean Redis. */
function redisFrom(env: NodeJS.ProcessEnv): Config['redis'] {
  const url = text(env, 'REDIS_URL');
  const nodes = text(env, 'REDIS_CLUSTER_NODES');
  if (url !== undefined && nodes !== undefined) {
    throw new ConfigError('REDIS_URL and REDIS_CLUSTER_NODES both say where Redis is: unset one of them');
  }
  if (url !== undefined) return checkedUrl(url);
  if (nodes !== undefined) return clusterOf(nodes, text(env, 'REDIS_PASSWORD'));
  const host = text(env, 'REDIS_HOST');
  const port = wholeNumber(env, 'REDIS_PORT', { from: 1, to: 65_535 });
  const db = wholeNumber(env, 'REDIS_DB', { from: 0, to: 1_000_000 });
  const password = text(env, 'REDIS_PASSWORD');
  if ([host, port, db, password].every((given) => given === undefined)) return undefined;
  return { host: host ?? '127.0.0.1', port: port ?? 6379, db: db ?? 0, password };
}

function checkedUrl(url: string): string {
  if (/^rediss?:\/\/./.test(url) && URL.canParse(url) && new URL(url).host !== '') return url;
  throw new ConfigError(`REDIS_URL must be like redis://:password@localhost:6379/0, got "${withoutPassword(url)}"`);
}

/** The nodes name the others, which get the same password: so it does not stand in the urls. */
function clusterOf(nodes: string, password: string | undefined): Config['redis'] {
  const urls = nodes.split(',').map((url) => url.trim());
  const wrong = urls.find((url) => !/^redis:\/\/[^/@?#]+$/.test(url) || !URL.canParse(url));
  if (wrong !== undefined) {
    const fix = 'REDIS_CLUSTER_NODES must be like redis://node-1:6379,redis://node-2:6379, with a password in';
    throw new ConfigError(`${fix} REDIS_PASSWORD, got "${withoutPassword(wrong)}"`);
  }
  return { nodes: urls, ...(password !== undefined && { options: { redisOptions: { password } } }) };
}

const withoutPassword = (url: string): string => url.replace(/^([a-z]+:\/\/)?.*@/i, '$1***@').replace(/\?.*/s, '?***');

/** The module checks it when the application starts, and says what is wrong. Bare digits are milliseconds. */
const windowFrom = (value: string): Duration => (/^\d+$/.test(value) ? Number(value) : (value as Duration));

const listFrom = (value: string): string[] => value.split(',').flatMap((each) => each.trim() || []);

/** An empty value is what `VAR=` and an unset `${VAR}` in a compose file give: it means the default. */
const text = (env: NodeJS.ProcessEnv, name: string): string | undefined => env[name]?.trim() || undefined;

function wholeNumber(env: NodeJS.ProcessEnv, name: string, { from, to }: { from: number; to: number }) {
  const value = text(env, name);
  if (value === undefined) return undefined;
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= from && number <= to) return number;
  throw new ConfigError(`${name} must be a whole number from ${from} to ${to}, got "${value}"`);
}

function oneOf<T extends string>(env: NodeJS.ProcessEnv, name: string, known: readonly T[]): T | undefined {
  const value = text(env, name);
  if (value === undefined || known.includes(value as T)) return value as T | undefined;
  throw new ConfigError(`${name} must be ${known.join(' or ')}, got "${value}"`);
}
