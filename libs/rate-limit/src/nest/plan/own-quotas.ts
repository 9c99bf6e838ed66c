import type { Plans } from './plans.js';
import { placeOf, type Route } from './routes.js';

/** Handlers that have quotas of their own, by what these are filed under. */
export function ownQuotas(plans: Plans): Map<string, Route[]> {
  const owners = new Map<string, Route[]>();
  for (const route of plans.routes) {
    for (const { source } of plans.for(route).all) {
      const { id } = source.own;
      // Names of policies do not begin so.
      if (!id.startsWith('@')) continue;
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
