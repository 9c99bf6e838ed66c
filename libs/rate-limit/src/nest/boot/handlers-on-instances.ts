import type { ModulesContainer } from '@nestjs/core';
import { Plans } from '../plan/plans.js';
import { functionOf } from '../plan/routes.js';
import { RATE_LIMIT_PLANS } from '../tokens.js';
import { bindEnding } from '../ending/bind-ending.js';
import { bindLateTo } from './late-phase.js';

/**
 * Handles functions that instances have in place of their class's handlers, because a constructor bound them or a test
 * put doubles there. Called when all instances are made, right before Nest makes the routes from them.
 */
export function meetInstances(modules: ModulesContainer): void {
  for (const { providers } of modules.values()) {
    const plans: unknown = providers.get(RATE_LIMIT_PLANS)?.instance;
    if (!(plans instanceof Plans)) continue;
    for (const route of plans.routes) {
      if (plans.for(route).late.length === 0 || !plans.isLateBound(route.handler)) continue;
      const handler = functionOf(route);
      if (!plans.isLateBound(handler)) bindLateTo(route, handler);
    }
    // Behind all other guards of a handler.
    bindEnding(plans.routes.filter((route) => plans.for(route).isHolding));
    plans.recogniseHandlers();
  }
}
