import { checkKnownKeys } from '../../core/checks.js';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { checkIpv6Prefix, DEFAULT_IPV6_PREFIX } from '../../engine/identity/ip-key.js';
import type { Identity } from '../../engine/identity/key-text.js';
import { oncePerKind, type WarnOnce } from '../../engine/warn-once.js';
import type { RateLimitRequest } from '../request/request.js';
import { proxyWatch } from './proxy-watch.js';
import { tenantReader, userReader } from './request-user.js';

/** Typed as a method is, so that it may take the request by the framework's own type. */
export type ReadIdentity = { read(request: RateLimitRequest): Identity | Promise<Identity> }['read'];

/** How callers are identified. The functions may use the framework's own type: `(request: Request) => …`. */
export interface KeyOptions {
  /**
   * The user of a request: text or an id, or a promise of it. `undefined`: no user. Default: the first of `id`, `sub`,
   * `userId`, `user_id`, `uid`, `_id`, `uuid`, `oid` in `request.user`.
   */
  user?: ReadIdentity;
  /**
   * The tenant of a request: text or an id, or a promise of it. Default: the first of `tenantId`, `tenant_id`,
   * `organizationId`, `organization_id`, `orgId`, `org_id` in `request.user`.
   */
  tenant?: ReadIdentity;
  /**
   * A header that names the tenant of requests **without a user**. Any client can send it: each made-up value has its
   * own quota, and the id of another tenant spends that tenant's quota. Set it only if a gateway in front sets the
   * header. Default: no header is read.
   */
  tenantHeader?: string | undefined;
  /** The header that carries API keys. Default `x-api-key`. */
  apiKeyHeader?: string;
  /** IPv6 addresses that share this many leading bits are one client: 32 to 128. Default 64. */
  ipv6Prefix?: number;
  /** A request without an address: `share` one quota among all of them (default), or `refuse` it with 403. */
  withoutAddress?: 'share' | 'refuse';
}

/** The options with their defaults, and warnings about callers that cannot be identified. */
export interface KeySettings extends Required<Omit<KeyOptions, 'tenantHeader'>> {
  /** In lower case; `undefined`: no header is read. */
  readonly tenantHeader: string | undefined;
  /**
   * `user` and `tenant` where the application wrote them: what they read of a request says who the caller is.
   *
   * @internal
   */
  readonly ownReaders: readonly ReadIdentity[];
  /**
   * Looks at a request whose address is about to be used, and warns once when proxies do not seem to be set up.
   *
   * @internal
   */
  watchProxies(request: RateLimitRequest): void;
  /**
   * Warns about callers that cannot be identified.
   *
   * @internal
   */
  readonly warnOnce: WarnOnce;
}

export const KEY_OPTIONS = ['user', 'tenant', 'tenantHeader', 'apiKeyHeader', 'ipv6Prefix', 'withoutAddress'];

/** @throws RateLimitError `RL_KEYS_INVALID`, `RL_OPTION_UNKNOWN` */
export function keySettings(options: KeyOptions = {}, warn: (message: string) => void): KeySettings {
  checkKnownKeys(options, KEY_OPTIONS, 'keys');
  const warnOnce = oncePerKind(warn);
  const { user = userReader(warnOnce), tenant = tenantReader(warnOnce), apiKeyHeader = 'x-api-key' } = options;
  const { tenantHeader, ipv6Prefix = DEFAULT_IPV6_PREFIX, withoutAddress = 'share' } = options;
  check(typeof user === 'function', 'keys.user must be a function of the request', user);
  check(typeof tenant === 'function', 'keys.tenant must be a function of the request', tenant);
  checkIpv6Prefix(ipv6Prefix);
  check(
    ['share', 'refuse'].includes(withoutAddress),
    `keys.withoutAddress must be 'share' or 'refuse'`,
    withoutAddress,
  );
  return {
    user,
    tenant,
    tenantHeader: tenantHeader === undefined ? undefined : headerName(tenantHeader, 'keys.tenantHeader'),
    apiKeyHeader: headerName(apiKeyHeader, 'keys.apiKeyHeader'),
    ownReaders: [options.user, options.tenant].filter((read) => read !== undefined),
    ipv6Prefix,
    withoutAddress,
    watchProxies: proxyWatch(warn),
    warnOnce,
  };
}

/**
 * A header's name as requests have it: in lower case.
 *
 * @throws RateLimitError `RL_KEYS_INVALID` for text that cannot be the name of a header
 */
export function headerName(name: unknown, place: string): string {
  const isName = typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(name);
  check(isName, `${place} must be the name of a header, like 'x-api-key'`, name);
  return (name as string).toLowerCase();
}

function check(holds: boolean, rule: string, value: unknown): void {
  if (!holds) throw new RateLimitError('RL_KEYS_INVALID', `${rule}, got ${shown(value)}`);
}
