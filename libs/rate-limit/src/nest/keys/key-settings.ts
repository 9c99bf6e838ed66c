import { checkKnownKeys } from '../../core/checks.js';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { checkIpv6Prefix, DEFAULT_IPV6_PREFIX } from '../../engine/identity/ip-key.js';
import type { Identity } from '../../engine/identity/key-text.js';
import type { RateLimitRequest } from '../request/request.js';
import { isLeft, tenantIdIn, userIdIn, withoutTenantId, withoutUserId } from './claims.js';
import { proxyWatch } from './proxy-watch.js';

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
  /** The application's own `user` and `tenant`. The properties that they read identify the caller. */
  readonly ownReaders: readonly ReadIdentity[];
  /** Called before the address of a request is used. Warns once if the trusted proxies seem to be set up wrong. */
  watchProxies(request: RateLimitRequest): void;
  /** Warns once for each kind of caller that cannot be identified. */
  warnOnce(kind: string, message: () => string): void;
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

function oncePerKind(warn: (message: string) => void): KeySettings['warnOnce'] {
  const warned = new Set<string>();
  return (kind, message) => {
    if (warned.has(kind)) return;
    warned.add(kind);
    warn(message());
  };
}

const userReader =
  (warnOnce: KeySettings['warnOnce']) =>
  (request: RateLimitRequest): string | undefined => {
    const user: unknown = request.user;
    const id = userIdIn(user);
    if (id !== undefined) return id;
    if (isLeft(user)) warnOnce('user', () => withoutUserId(user));
    else tellOfUserElsewhere(request, warnOnce);
    return undefined;
  };

const tenantReader =
  (warnOnce: KeySettings['warnOnce']) =>
  ({ user }: RateLimitRequest): string | undefined => {
    const id = tenantIdIn(user);
    if (id === undefined && isLeft(user)) warnOnce('tenant', () => withoutTenantId(user));
    return id;
  };

/** Some libraries put the user elsewhere. That place is not read by default, because it may hold something else. */
function tellOfUserElsewhere(request: RateLimitRequest, warnOnce: KeySettings['warnOnce']): void {
  const place = elsewhere(request);
  if (place === undefined) return;
  warnOnce(
    'elsewhere',
    () =>
      `request.user is not set, but ${place} names a user. byUser does not read ${place}, so such requests are counted by ` +
      `their address. If your guard sets it, use keys: { user: (request) => ${place}.… }.`,
  );
}

function elsewhere(request: RateLimitRequest & { auth?: unknown; session?: { user?: unknown } }): string | undefined {
  try {
    if (typeof request.auth === 'object' && userIdIn(request.auth) !== undefined) return 'request.auth';
    return userIdIn(request.session?.user) === undefined ? undefined : 'request.session.user';
  } catch {
    return undefined;
  }
}
