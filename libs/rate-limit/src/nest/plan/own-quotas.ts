import type { Plans } from './plans.js';
import { placeOf, type Route } from './routes.js';
import type { Rule } from './rule.js';

/** Whether a rule's quota belongs to its handler alone. Names of policies do not begin so. */
export const hasOwnQuota = ({ source }: Rule): boolean => source.own.id.startsWith('@');

/** The handlers with their own quotas, by the id that these are stored under. */
export function ownQuotas(plans: Plans): Map<string, Route[]> {
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
export function sharedQuotas(quotas: ReadonlyMap<string, readonly Route[]>): string[] {
  const sharing = [...quotas.values()].filter(({ length }) => length > 1);
  return [...new Set(sharing.map((routes) => routes.map(placeOf).join(' and ')))];
}
