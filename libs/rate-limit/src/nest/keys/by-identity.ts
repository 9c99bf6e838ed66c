import { kindOf } from '../../core/shown.js';
import { keyOfApiKey } from '../../engine/identity/api-key.js';
import { textOf, type Identity } from '../../engine/identity/key-text.js';
import { after } from '../request/per-request.js';
import { headerOf, type RateLimitRequest } from '../request/request.js';
import { byIp } from './by-ip.js';
import { named } from './key-name.js';
import { isLeft } from './claims.js';
import { CalledByMistake, type KeyResolver, type Phase } from './key-resolver.js';
import { headerName, type KeySettings } from './key-settings.js';

type Key = string | undefined;

/** Reads the key of a request; `undefined` where it does not say. */
type ReadKey = (request: RateLimitRequest, settings: KeySettings) => Key | Promise<Key>;

/** A resolver that falls back on the address: a caller must not escape a quota by leaving out who it is. */
function byIdentity(name: string, schemes: readonly string[], phase: Phase, read: ReadKey): KeyResolver {
  const own: KeyResolver = (_context, request, settings) => read(request, settings);
  const resolver: KeyResolver = (context, request, settings) =>
    request
      ? after(read(request, settings), (key) => key ?? byIp(context, request, settings))
      : (new CalledByMistake(name) as never);
  Object.assign(resolver, {
    own: Object.assign(own, { phase, schemes }),
    phase,
    schemes: [...schemes, ...byIp.schemes!],
  });
  return named(name, resolver);
}

/**
 * By the user that your guard put on the request, the address of an anonymous one. The first of `id`, `sub`, `userId`,
 * `user_id`, `uid`, `_id`, `uuid`, `oid` in `request.user` says who it is, unless `keys.user` does. A user in whom none is
 * found counts by the address, and the log says so once. Decided late, after your guards.
 */
export const byUser: KeyResolver = byIdentity('byUser', ['user'], 'late', (request, settings) =>
  userKey(request, settings),
);

/**
 * By the tenant of the user that your guard put on the request: the first of `tenantId`, `tenant_id`, `organizationId`,
 * `organization_id`, `orgId`, `org_id` in `request.user`, unless `keys.tenant` says it. A user without one counts by the
 * user, and the log says so once; a request without a user by the header `keys.tenantHeader`, if that is set, or by the
 * address. Decided late, after your guards.
 */
export const byTenant: KeyResolver = byIdentity('byTenant', ['tenant', 'user'], 'late', (request, settings) =>
  after(keyOf('tenant', settings.tenant(request), settings), (tenant) => tenant ?? withoutTenant(request, settings)),
);

/**
 * By the API key in `x-api-key` (`keys.apiKeyHeader`), or the address of a request without one. Only a digest is kept,
 * the first 132 bits of SHA-256: a key is a secret. Nobody has checked the key yet, so add a policy `byIp` where
 * made-up keys would pay.
 */
export const byApiKey: KeyResolver = byIdentity('byApiKey', ['key'], 'early', (request, { apiKeyHeader }) => {
  const key = headerOf(request, apiKeyHeader);
  return key && keyOfApiKey(key);
});

/**
 * By a request header's text, or the address of a request without it. The caller chooses it, so do not let it be the
 * only key of a policy that protects.
 *
 * @param name the header's name, in any case
 * @throws RateLimitError `RL_KEYS_INVALID` for what no header is called
 */
export function byHeader(name: string): KeyResolver {
  const header = headerName(name, "byHeader()'s name");
  const scheme = `header.${header}`;
  return byIdentity(`byHeader('${header}')`, [scheme], 'early', (request) => {
    const text = headerOf(request, header);
    return text && `${scheme}:${text}`;
  });
}

const userKey: ReadKey = (request, settings) => keyOf('user', settings.user(request), settings);

/** A header never stands in for a user whom a guard has let in: any client may send it. */
const withoutTenant: ReadKey = (request, settings) =>
  after(userKey(request, settings), (user) => {
    if (user !== undefined || isLeft(request.user) || settings.tenantHeader === undefined) return user;
    const tenant = headerOf(request, settings.tenantHeader);
    return tenant && `tenant:${tenant}`;
  });

/** What `keys.user` or `keys.tenant` returned, as a key. What has no text is the mistake of whoever wrote it, and no 500. */
const keyOf = (
  scheme: 'user' | 'tenant',
  identity: Identity | Promise<Identity>,
  settings: KeySettings,
): Key | Promise<Key> =>
  after(identity, (value) => {
    const text = textOf(value);
    if (text) return `${scheme}:${text}`;
    if (value !== undefined && value !== null && value !== '') {
      settings.warnOnce(
        `keys.${scheme}`,
        () =>
          `keys.${scheme} returned ${kindOf(value)}, which names nobody. Such requests are counted ` +
          `${scheme === 'tenant' ? 'by their user, or ' : ''}by their address. Return text, a finite number, a bigint, ` +
          'an ObjectId or bytes; undefined where there is none.',
      );
    }
    return undefined;
  });
