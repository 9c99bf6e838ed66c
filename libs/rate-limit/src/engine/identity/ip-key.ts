import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { addressOf, clientOf } from './address.js';

/** What the key of an address begins with. */
export const IP = 'ip:';

/** IPv6 addresses of one line share this many leading bits. */
export const DEFAULT_IPV6_PREFIX = 64;

/**
 * Returns the key that `byIp` counts an address by, in whatever notation the address is: IPv4 also inside an IPv6
 * address, other IPv6 by its leading bits, without zone and port. For `undefined` and `''` it returns `ip:none`, the
 * key of requests without an address.
 *
 * @param ipv6Prefix the module's `keys.ipv6Prefix`
 * @throws RateLimitError `RL_KEY_INVALID` for text that is not an address, `RL_KEYS_INVALID` for a wrong prefix
 *
 * @example `await limiter.reset('login', ipKey(request.ip))`
 */
export function ipKey(address: string | undefined, ipv6Prefix = DEFAULT_IPV6_PREFIX): string {
  checkIpv6Prefix(ipv6Prefix, 'the second argument of ipKey()');
  if (address === undefined || address === '') return `${IP}none`;
  const client = typeof address === 'string' ? clientOf(address, ipv6Prefix) : undefined;
  if (client !== undefined) return IP + client;
  throw new RateLimitError('RL_KEY_INVALID', `ipKey() takes an address like '203.0.113.7', got ${shown(address)}`);
}

/** @throws RateLimitError `RL_KEYS_INVALID` */
export function checkIpv6Prefix(bits: unknown, place = 'keys.ipv6Prefix'): asserts bits is number {
  if (Number.isInteger(bits) && (bits as number) >= 32 && (bits as number) <= 128) return;
  throw new RateLimitError(
    'RL_KEYS_INVALID',
    `${place} must be a whole number of bits from 32 to 128, got ${shown(bits)}`,
  );
}

/**
 * A key as `byIp` writes it: the address behind `ip:` gets the canonical notation. A prefix length in the key is kept.
 * All other text stays as it is.
 */
export function canonicalKey(key: string, ipv6Prefix: number): string {
  if (!hasNotations(key)) return key;
  return key.includes('+') ? canonicalParts(key, ipv6Prefix) : IP + clientIn(key.slice(IP.length), ipv6Prefix);
}

/** The same for each part of a key of `byAll`. */
export const canonicalParts = (key: string, ipv6Prefix: number): string =>
  key
    .split('+')
    .map((part) => canonicalKey(part, ipv6Prefix))
    .join('+');

/** A /64 as `byIp` writes it: at most four groups, then `::/64`. */
const A_LINE = /^ip:(?:(?:0|[1-9a-f][\da-f]{0,3}):){0,3}[1-9a-f][\da-f]{0,3}::\/64$/;

/** The same for keys of requests. Most are written like this already, and parsing an IPv6 address takes microseconds. */
export const canonicalRequestKey = (key: string, ipv6Prefix: number): string =>
  !hasNotations(key) || A_LINE.test(key) ? key : canonicalKey(key, ipv6Prefix);

/**
 * Whether a key holds an address that can be written in several ways: IPv6, or one in brackets. Most keys do not, and skip
 * the parsing.
 */
const hasNotations = (key: string): boolean =>
  key.startsWith(IP) && (key.includes(':', IP.length) || key.includes('[', IP.length));

function clientIn(text: string, ipv6Prefix: number): string {
  const [, address = text, bits] = /^([^/]*)\/(\d{2,3})$/.exec(text) ?? [];
  if (bits === undefined) return clientOf(address, ipv6Prefix) ?? text;
  return Number(bits) <= 128 && addressOf(address)?.kind() === 'ipv6' ? clientOf(address, Number(bits))! : text;
}
