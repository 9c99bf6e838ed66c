import { few, kindOf, oneLine } from '../../core/shown.js';
import { textOf } from '../../engine/identity/key-text.js';

/**
 * Where Passport, JWTs, Firebase, Azure, MongoDB and others have the id of a user. The first field with a text counts.
 */
const USER_FIELDS = ['id', 'sub', 'userId', 'user_id', 'uid', '_id', 'uuid', 'oid'] as const;
const TENANT_FIELDS = ['tenantId', 'tenant_id', 'organizationId', 'organization_id', 'orgId', 'org_id'] as const;

/** The id of `request.user`; `undefined` if it has none. */
export function userIdIn(user: unknown): string | undefined {
  if (typeof user !== 'object' || user === null) return textOf(user) || undefined;
  // An ObjectId is its own id. The toString() of other objects may say anything.
  return (isObjectId(user) && textOf(user)) || firstOf(USER_FIELDS, user);
}

/** The tenant of `request.user`; `undefined` if it has none. */
export const tenantIdIn = (user: unknown): string | undefined => firstOf(TENANT_FIELDS, user);

/** Whether a guard set a user. For anonymous callers some guards write `false` or `''`. */
export const isLeft = (user: unknown): boolean => user !== undefined && user !== null && user !== false && user !== '';

/** The warning about a `request.user` without an id. */
export const withoutUserId = (user: unknown): string =>
  `Users behind one address share a quota, because request.user has no text or number in ${USER_FIELDS.join(', ')}: it ${has(user)}. ` +
  'Such requests are counted by their address. ' +
  'Set where the id is, as in keys: { user: (request) => request.user.accountId } of RateLimitModule.';

/** The warning about a `request.user` without a tenant. */
export const withoutTenantId = (user: unknown): string =>
  `byTenant counts by the user, because request.user has no text or number in ${TENANT_FIELDS.join(', ')}: it ${has(user)}. ` +
  'If the user is not known either, it counts by the address. ' +
  'Set where the tenant is, as in keys: { tenant: (request) => request.user.company } of RateLimitModule.';

function firstOf(fields: readonly string[], user: unknown): string | undefined {
  if (typeof user !== 'object' || user === null) return undefined;
  for (const field of fields) {
    const text = textIn(user as Record<string, unknown>, field);
    if (text) return text;
  }
  return undefined;
}

function isObjectId(user: object): boolean {
  try {
    return typeof (user as { toHexString?: unknown }).toHexString === 'function';
  } catch {
    return false;
  }
}

/** A getter may throw. */
function textIn(user: Readonly<Record<string, unknown>>, field: string): string | undefined {
  try {
    return textOf(user[field]);
  } catch {
    return undefined;
  }
}

const MOST_SHOWN = 12;

/** The names of its fields, never their values. */
function has(user: unknown): string {
  if (typeof user !== 'object' || user === null) return `is a ${typeof user}`;
  try {
    if (typeof (user as { then?: unknown }).then === 'function')
      return 'is a promise (add the missing await to your guard)';
    if (Array.isArray(user)) return `is ${kindOf(user)}`;
    const names = Object.keys(user);
    if (names.length === 0) return 'has no fields';
    return `has ${few(names.map(oneLine), MOST_SHOWN)}`;
  } catch {
    return 'cannot be read';
  }
}
