import { shown } from '../../../core/shown.js';
import { connectionOptions, redisInvalid } from './connection-options.js';
import { withoutPassword } from './without-password.js';

/** Whether a text is meant as a url of Redis, or as the path of its socket. */
export const isRedisUrl = (text: string): boolean => /^\s*(?:\/|rediss?:\/\/)/.test(text);

/**
 * The options that a url stands for. It is read here and not by ioredis, whose versions disagree about passwords, and
 * which takes parameters as text, whatever they are for.
 *
 * @param name what the url is called in messages
 * @throws RateLimitError `RL_REDIS_INVALID`, without the password
 */
export function optionsOfUrl(text: string, name = 'the redis url'): Record<string, unknown> {
  const url = text.trim();
  if (url.startsWith('/')) return optionsOfSocket(url, name);
  const problem = problemOf(url) ?? (URL.canParse(url) ? undefined : 'it cannot be read');
  if (problem) throw redisInvalid(`${name} is malformed: ${problem}, got ${shown(withoutPassword(text))}`);
  const { protocol, username, password, hostname, port, pathname, searchParams } = new URL(url);
  const parameters = Object.fromEntries(searchParams);
  const db = pathname.replace(/^\/|\/$/g, '');
  // It may be the end of a password, of a url without a host.
  if (url.includes('@') && !/^(?:-?[\d.]*|undefined|null|NaN)$/.test(db)) {
    throw redisInvalid(`${name}'s db must be a whole number, got ${shown(withoutPassword(text))}`);
  }
  const isSecure = protocol === 'rediss:';
  return connectionOptions(
    {
      ...parameters,
      ...(isSecure && { tls: parameters.tls?.startsWith('RedisCloud') ? parameters.tls : true }),
      // Empty is what a template leaves of a variable that is not set.
      host: decoded(hostname.replace(/^\[|\]$/g, ''), text, name),
      ...(port && { port }),
      ...(username && { username: decoded(username, text, name) }),
      ...(password && { password: decoded(password, text, name) }),
      ...(/^\/?$/.test(pathname) ? {} : { db }),
    },
    `${name}'s `,
  );
}

/** `/run/redis.sock`, which may have parameters. */
function optionsOfSocket(url: string, name: string): Record<string, unknown> {
  const [path, query = ''] = url.split(/\?(.*)/s);
  return connectionOptions({ ...Object.fromEntries(new URLSearchParams(query)), path }, `${name}'s `);
}

/**
 * What ioredis would take for something else. All up to the last `@` says who connects, and a sign that ends that part
 * sooner makes another server of the rest.
 */
function problemOf(url: string): string | undefined {
  if (/,\s*rediss?:/.test(url)) return 'it is a list; give { nodes: [...] } or { sentinels: [...], name }';
  const [, user] = /^rediss?:\/\/(.*)@/s.exec(url) ?? [];
  const sign = user === undefined ? undefined : /[@/?#]/.exec(user)?.[0];
  if (sign === '@') return '"@" is in its password or another part of it; percent-encode it as %40';
  return (
    sign &&
    `"${sign}" is in its user name or password, or "@" behind them; percent-encode it as ${encoded(sign)}, and "@" as %40`
  );
}

function decoded(part: string, text: string, name: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw redisInvalid(
      `${name} is malformed: its user name or password has "%" in it; percent-encode it as %25, got ${shown(withoutPassword(text))}`,
    );
  }
}

const encoded = (sign: string): string => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
