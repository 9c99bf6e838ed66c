import { after } from '../../core/after.js';
import { kindOf } from '../../core/shown.js';
import { keyOfApiKey } from '../../engine/identity/api-key.js';
import { textOf, type Identity } from '../../engine/identity/key-text.js';
import { headerOf, type RateLimitRequest } from '../request/request.js';
import { byIp } from './by-ip.js';
import { named } from './key-name.js';
import { isLeft } from './claims.js';
import { CalledByMistake, type KeyResolver, type Phase } from './key-resolver.js';
import { headerName, type KeySettings } from './key-settings.js';

type Key = string | undefined;

/** Reads the key of a request; `undefined` if the request has none. */
type ReadKey = (request: RateLimitRequest, settings: KeySettings) => Key | Promise<Key>;

/** A resolver that falls back to the address: a caller must not escape a quota by leaving its identity out. */
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
 * Counts by the user that your guard put on the request, and anonymous requests by their address. The id is the first
 * of `id`, `sub`, `userId`, `user_id`, `uid`, `_id`, `uuid`, `oid` in `request.user`, or what `keys.user` returns. A
 * user without an id is counted by address, and one warning says so. Decided late, after your guards.
 */
export const byUser: KeyResolver = byIdentity('byUser', ['user'], 'late', (request, settings) =>
  userKey(request, settings),
);

/**
 * Counts by the tenant of the user that your guard put on the request: the first of `tenantId`, `tenant_id`,
 * `organizationId`, `organization_id`, `orgId`, `org_id` in `request.user`, or what `keys.tenant` returns. A user
 * without a tenant is counted as a user, and one warning says so. A request without a user is counted by the header
 * `keys.tenantHeader`, if that is set, or by its address. Decided late, after your guards.
 */
export const byTenant: KeyResolver = byIdentity('byTenant', ['tenant', 'user'], 'late', (request, settings) =>
  after(keyOf('tenant', settings.tenant(request), settings), (tenant) => tenant ?? withoutTenant(request, settings)),
);

/**
 * Counts by the API key in `x-api-key` (`keys.apiKeyHeader`), and requests without one by their address. Only a digest
 * is kept, the first 132 bits of SHA-256, because a key is a secret. **The key is not verified at this point**: made-up
 * keys are new quotas, so add a policy by `byIp`.
 */
export const byApiKey: KeyResolver = byIdentity('byApiKey', ['key'], 'early', (request, { apiKeyHeader }) => {
  const key = headerOf(request, apiKeyHeader);
  return key && keyOfApiKey(key);
});

/**
 * Counts by the text of a request header, and requests without it by their address. **The caller chooses the text**, so
 * never make it the only key of a policy that protects something.
 *
 * @param name the header's name, in upper or lower case
 * @throws RateLimitError `RL_KEYS_INVALID` for text that cannot be the name of a header
 */
export function byHeader(name: string): KeyResolver {
  const header = headerName(name, 'the argument of byHeader()');
  const scheme = `header.${header}`;
  return byIdentity(`byHeader('${header}')`, [scheme], 'early', (request) => {
    const text = headerOf(request, header);
    return text && `${scheme}:${text}`;
  });
}

const userKey: ReadKey = (request, settings) => keyOf('user', settings.user(request), settings);

/** A header never replaces a user that a guard has let in, because any client can send it. */
const withoutTenant: ReadKey = (request, settings) =>
  after(userKey(request, settings), (user) => {
    if (user !== undefined || isLeft(request.user) || settings.tenantHeader === undefined) return user;
    const tenant = headerOf(request, settings.tenantHeader);
    return tenant && `tenant:${tenant}`;
  });

/** What `keys.user` or `keys.tenant` returned, as a key. A value without a text is warned about, and not a 500. */
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
          `keys.${scheme} returned ${kindOf(value)}, which is not an id. Such requests are counted ` +
          `${scheme === 'tenant' ? 'by their user, or ' : ''}by their address. Return text, a finite number, a bigint, ` +
          `an ObjectId or bytes, or undefined if there is no ${scheme}.`,
      );
    }
    return undefined;
  });
