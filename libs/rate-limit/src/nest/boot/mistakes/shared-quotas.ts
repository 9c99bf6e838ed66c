import { few } from '../../../core/shown.js';
import { hasOwnQuota } from '../../plan/own-quotas.js';
import type { Plans } from '../../plan/plans.js';
import { placeOf, type Route } from '../../plan/routes.js';
import type { RateLimitSettings } from '../../settings.js';

const MOST_NAMED = 10;

/**
 * Warns about quotas of single handlers that others may share: handlers with the same address, or other applications.
 *
 * @param application its name in the ids of these quotas, if they have one
 */
export function warnOfSharedQuotas(
  plans: Plans,
  { options, logger }: RateLimitSettings,
  application: string | undefined,
): void {
  const quotas = ownQuotas(plans);
  const sharing = sharedQuotas(quotas);
  if (sharing.length > 0) {
    logger.warn(
      `Handlers with the same method and path share the quotas of their own: ${few(sharing, MOST_NAMED)}. Give their policies names, as in @RateLimit({ name: 'search', … }).`,
    );
  }
  if (options.redis !== undefined && options.prefix === undefined && application === undefined && quotas.size > 0) {
    logger.warn(
      "Unnamed policies share their quotas with other applications on the same Redis that have the same routes, because no package.json with a name was found for this application. Set a prefix, as in RateLimitModule.forRoot({ prefix: 'shop' }).",
    );
  }
}

/** The handlers with their own quotas, by the id that these are stored under. */
function ownQuotas(plans: Plans): Map<string, Route[]> {
  const owners = new Map<string, Route[]>();
  for (const route of plans.routes) {
    for (const rule of plans.for(route).all) {
      if (!hasOwnQuota(rule)) continue;
      const { id } = rule.source.own;
      const sharing = owners.get(id) ?? [];
      owners.set(id, sharing);
      // A controller that is in several modules has one plan.
      if (!sharing.some(({ controller, name }) => controller === route.controller && name === route.name)) {
        sharing.push(route);
      }
    }
  }
  return owners;
}

/**
 * The handlers that share such a quota, because they have the same method and path:
 * `CatsController.find and DogsController.find`.
 */
function sharedQuotas(quotas: ReadonlyMap<string, readonly Route[]>): string[] {
  const sharing = [...quotas.values()].filter(({ length }) => length > 1);
  return [...new Set(sharing.map((routes) => routes.map(placeOf).join(' and ')))];
}
