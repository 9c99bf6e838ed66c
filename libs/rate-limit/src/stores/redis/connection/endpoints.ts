import { kindOf, shown } from '../../../core/shown.js';
import { connectionOptions, redisInvalid } from './connection-options.js';
import { isRedisUrl, optionsOfUrl } from './redis-url.js';
import { withoutPassword } from './without-password.js';

/**
 * Reads the nodes of a Cluster, or the sentinels: each is an object, `'host:port'`, a url, or a port of this machine.
 * ioredis would treat text in the list of sentinels as an object without a host.
 *
 * @param place where the list is in the options, for messages
 * @throws RateLimitError `RL_REDIS_INVALID`
 */
export const endpointsOf = (list: readonly unknown[], place: string): Record<string, unknown>[] =>
  list.map((endpoint, i) => endpointOf(endpoint, `${place}[${i}]`));

function endpointOf(endpoint: unknown, place: string): Record<string, unknown> {
  if (typeof endpoint === 'number') return connectionOptions({ port: endpoint }, `${place}.`);
  if (typeof endpoint === 'object' && endpoint !== null && !Array.isArray(endpoint)) {
    // Lists of servers often have a url in each entry.
    const { url, ...options } = endpoint as { url?: unknown; host?: unknown };
    return connectionOptions(options.host === undefined ? { ...options, url } : options, `${place}.`);
  }
  if (typeof endpoint === 'string') {
    if (isRedisUrl(endpoint)) return optionsOfUrl(endpoint, `the url of ${place}`);
    const [, host, port] = /^\s*(\[[^\]]+\]|[^:/@,\s]+)(?::(\d+))?\s*$/.exec(endpoint) ?? [];
    if (host) return connectionOptions({ host: host.replace(/[[\]]/g, ''), port }, `${place}: the `);
  }
  const got = typeof endpoint === 'string' ? shown(withoutPassword(endpoint)) : kindOf(endpoint);
  throw redisInvalid(`${place} must be { host, port }, 'host:port' or a url, got ${got}`);
}
