import type { Plans } from './plans.js';
import { placeOf, type Route } from './routes.js';
import type { Rule } from './rule.js';

/** Whether a rule's quota belongs to its handler alone. Names of policies do not begin so. */
export const hasOwnQuota = ({ source }: Rule): boolean => source.own.id.startsWith('@');

/** Handlers that have quotas of their own, by what these are filed under. */
export function ownQuotas(plans: Plans): Map<string, Route[]> {
  const owners = new Map<string, Route[]>();
  for (const route of plans.routes) {
    for (const rule of plans.for(route).all) {
      if (!hasOwnQuota(rule)) continue;
      const { id } = rule.source.own;
      const sharing = owners.get(id) ?? [];
      owners.set(id, sharing);
      // A controller that stands in several modules has one plan.
      if (!sharing.some(({ controller, name }) => controller === route.controller && name === route.name)) {
        sharing.push(route);
      }
    }
  }
  return owners;
}

/** Those that share such a quota, because they declare the same address: `CatsController.find and DogsController.find`. */
export function sharedQuotas(quotas: ReadonlyMap<string, readonly Route[]>): string[] {
  const sharing = [...quotas.values()].filter(({ length }) => length > 1);
  return [...new Set(sharing.map((routes) => routes.map(placeOf).join(' and ')))];
}
