import { checkKnownKeys } from '../../core/checks.js';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { headerOf, type RateLimitRequest } from '../request/request.js';

/** How clients are told apart. */
export interface KeyOptions {
  /** Who the user is. Default `request.user.id`, else `request.user.sub`. */
  user?: (request: RateLimitRequest) => string | number | undefined;
  /** Whose tenant it is. Default `request.user.tenantId`, else the header `x-tenant-id`. */
  tenant?: (request: RateLimitRequest) => string | number | undefined;
  /** The header that carries API keys. Default `x-api-key`. */
  apiKeyHeader?: string;
  /** IPv6 addresses that share this many leading bits are one client: 32 to 128. Default 64, what one line is given. */
  ipv6Prefix?: number;
  /** A request without an address: `share` one quota among all of them (default), or `refuse` it with 403. */
  withoutAddress?: 'share' | 'refuse';
}

/** The options with their defaults, and the ear that is told when the address may not be the client's. */
export interface KeySettings extends Required<KeyOptions> {
  /** Looks at a request whose address is about to be used, and warns once when proxies do not seem to be set up. */
  watchProxies(request: RateLimitRequest): void;
}

export const KEY_OPTIONS = ['user', 'tenant', 'apiKeyHeader', 'ipv6Prefix', 'withoutAddress'];

/** @throws RateLimitError `RL_KEYS_INVALID`, `RL_OPTION_UNKNOWN` */
export function keySettings(options: KeyOptions = {}, watchProxies: KeySettings['watchProxies']): KeySettings {
  checkKnownKeys(options, KEY_OPTIONS, 'keys');
  const { user = userOf, tenant = tenantOf, apiKeyHeader = 'x-api-key' } = options;
  const { ipv6Prefix = 64, withoutAddress = 'share' } = options;
  check(typeof user === 'function', 'keys.user must be a function of the request', user);
  check(typeof tenant === 'function', 'keys.tenant must be a function of the request', tenant);
  check(typeof apiKeyHeader === 'string' && apiKeyHeader !== '', 'keys.apiKeyHeader must name a header', apiKeyHeader);
  check(
    Number.isInteger(ipv6Prefix) && ipv6Prefix >= 32 && ipv6Prefix <= 128,
    'keys.ipv6Prefix must be a whole number of bits from 32 to 128',
    ipv6Prefix,
  );
  check(
    ['share', 'refuse'].includes(withoutAddress),
    `keys.withoutAddress must be 'share' or 'refuse'`,
    withoutAddress,
  );
  return { user, tenant, apiKeyHeader: apiKeyHeader.toLowerCase(), ipv6Prefix, withoutAddress, watchProxies };
}

function check(holds: boolean, rule: string, value: unknown): void {
  if (!holds) throw new RateLimitError('RL_KEYS_INVALID', `${rule}, got ${shown(value)}`);
}

type Claims = { id?: string | number; sub?: string | number; tenantId?: string | number } | null | undefined;

function userOf({ user }: RateLimitRequest) {
  const claims = user as Claims;
  return claims?.id ?? claims?.sub;
}

function tenantOf(request: RateLimitRequest) {
  return (request.user as Claims)?.tenantId ?? headerOf(request, 'x-tenant-id');
}
