import { shown } from '../../../core/shown.js';
import { connectionOptions, redisInvalid } from './connection-options.js';
import { withoutPassword } from './without-password.js';

/** Whether text is a url of Redis, or the path of its socket. */
export const isRedisUrl = (text: string): boolean => /^\s*(?:\/|rediss?:\/\/)/.test(text);

/**
 * Reads the options of a url. ioredis does not read it, because its versions disagree about passwords, and because it
 * takes all parameters as text.
 *
 * @param name the url's name in messages
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
  // The text may be the end of a password, in a url without a host.
  if (url.includes('@') && !/^(?:-?[\d.]*|undefined|null|NaN)$/.test(db)) {
    throw redisInvalid(`${name}'s db must be a whole number, got ${shown(withoutPassword(text))}`);
  }
  const isSecure = protocol === 'rediss:';
  return connectionOptions(
    {
      ...parameters,
      ...(isSecure && { tls: parameters.tls?.startsWith('RedisCloud') ? parameters.tls : true }),
      // Also if it is empty, as in a template with a variable that is not set.
      host: decoded(hostname.replace(/^\[|\]$/g, ''), text, name),
      ...(port && { port }),
      ...(username && { username: decoded(username, text, name) }),
      ...(password && { password: decoded(password, text, name) }),
      ...(/^\/?$/.test(pathname) ? {} : { db }),
    },
    `${name}'s `,
  );
}

/** The options of `/run/redis.sock`, which may have parameters. */
function optionsOfSocket(url: string, name: string): Record<string, unknown> {
  const [path, query = ''] = url.split(/\?(.*)/s);
  return connectionOptions({ ...Object.fromEntries(new URLSearchParams(query)), path }, `${name}'s `);
}

/**
 * What is wrong with a url that ioredis would misread. The part up to the last `@` holds the user name and the
 * password. A character that ends this part earlier would turn the rest into another host.
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
