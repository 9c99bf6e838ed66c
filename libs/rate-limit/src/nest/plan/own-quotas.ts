import type { Plans } from './plans.js';
import type { Route } from './routes.js';

/** The handlers with their own quotas, by the id that these are stored under. */
export function ownQuotas(plans: Plans): Map<string, Route[]> {
  const owners = new Map<string, Route[]>();
  for (const route of plans.routes) {
    for (const { source } of plans.for(route.controller, route.name).all) {
      const { id } = source.own;
      // Names of policies do not begin with @.
      if (!id.startsWith('@')) continue;
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
  const texts = sharing.map((routes) =>
    routes.map(({ controller, name }) => `${controller.name}.${name}`).join(' and '),
  );
  return [...new Set(texts)];
}
