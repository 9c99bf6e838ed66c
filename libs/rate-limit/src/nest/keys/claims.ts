import { few, kindOf, oneLine } from '../../core/shown.js';
import { textOf } from '../../engine/identity/key-text.js';

/** Where guards put who a user is: Passport, JWTs, Firebase, Azure, MongoDB and others. The first that has a text counts. */
const USER_FIELDS = ['id', 'sub', 'userId', 'user_id', 'uid', '_id', 'uuid', 'oid'] as const;
const TENANT_FIELDS = ['tenantId', 'tenant_id', 'organizationId', 'organization_id', 'orgId', 'org_id'] as const;

/** The identity of `request.user`; `undefined` where it names nobody. */
export function userIdIn(user: unknown): string | undefined {
  if (typeof user !== 'object' || user === null) return textOf(user) || undefined;
  // An ObjectId is its own id. The toString() of other objects may say anything.
  return (isObjectId(user) && textOf(user)) || firstOf(USER_FIELDS, user);
}

/** The tenant of `request.user`; `undefined` where it has none. */
export const tenantIdIn = (user: unknown): string | undefined => firstOf(TENANT_FIELDS, user);

/** Whether a guard left a user at all. `false` and `''` are how some say that there is none. */
export const isLeft = (user: unknown): boolean => user !== undefined && user !== null && user !== false && user !== '';

/** What to say of a `request.user` that names nobody. */
export const withoutUserId = (user: unknown): string =>
  `request.user has none of ${USER_FIELDS.join(', ')} with a text or a number in it; it ${has(user)}. ` +
  'So its requests are counted by their address, and users behind one address share a quota. ' +
  'Say who the user is, as keys: { user: (request) => request.user.accountId } in the options of RateLimitModule.';

/** What to say of one whose tenant is not known. */
export const withoutTenantId = (user: unknown): string =>
  `request.user has none of ${TENANT_FIELDS.join(', ')} with a text or a number in it; it ${has(user)}. ` +
  'So byTenant counts its requests by the user, or by the address where the user is not known either. ' +
  'Say whose tenant it is, as keys: { tenant: (request) => request.user.company } in the options of RateLimitModule.';

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

/** The names of its fields, never what is in them. */
function has(user: unknown): string {
  if (typeof user !== 'object' || user === null) return `is a ${typeof user}`;
  try {
    if (typeof (user as { then?: unknown }).then === 'function') return 'is a promise: does a guard lack an await?';
    if (Array.isArray(user)) return `is ${kindOf(user)}`;
    const names = Object.keys(user);
    if (names.length === 0) return 'has no fields';
    return `has ${few(names.map(oneLine), MOST_SHOWN)}`;
  } catch {
    return 'cannot be read';
  }
}
