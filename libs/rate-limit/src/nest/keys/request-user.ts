import type { WarnOnce } from '../../engine/warn-once.js';
import type { RateLimitRequest } from '../request/request.js';
import { isLeft, tenantIdIn, userIdIn, withoutTenantId, withoutUserId } from './claims.js';

/** The default of `keys.user`: the id in `request.user`. If it finds none, one warning says why. */
export const userReader =
  (warnOnce: WarnOnce) =>
  (request: RateLimitRequest): string | undefined => {
    const user: unknown = request.user;
    const id = userIdIn(user);
    if (id !== undefined) return id;
    if (isLeft(user)) warnOnce('user', () => withoutUserId(user));
    else tellOfUserElsewhere(request, warnOnce);
    return undefined;
  };

/** What `keys.tenant` is by default: whose tenant `request.user` is. */
export const tenantReader =
  (warnOnce: WarnOnce) =>
  ({ user }: RateLimitRequest): string | undefined => {
    const id = tenantIdIn(user);
    if (id === undefined && isLeft(user)) warnOnce('tenant', () => withoutTenantId(user));
    return id;
  };

/** Some libraries leave the user at another place. It is not read unasked: who writes there is not known. */
function tellOfUserElsewhere(request: RateLimitRequest, warnOnce: WarnOnce): void {
  const place = elsewhere(request);
  if (place === undefined) return;
  warnOnce(
    'elsewhere',
    () =>
      `request.user is not set, but ${place} names a user. byUser does not read that, so such requests are counted by ` +
      `their address. If it is your guard's, say so: keys: { user: (request) => request.${place.replace('request.', '')}.… }.`,
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
