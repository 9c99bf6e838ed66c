import { UseGuards } from '@nestjs/common';
import type { Handler } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Route } from '../plan/routes.js';
import { latePhase } from '../request/late-phase.js';
import { guardsOf } from './is-guarded-by.js';

/** Appends the late phase to just those handlers that have a late policy: the others pay nothing for it. */
export function bindLatePhase(plans: Plans): void {
  plans.isLateBound = isLateBound;
  for (const route of plans.routes) {
    if (plans.for(route).late.length > 0 && !isLateBound(route.handler)) bindLateTo(route, route.handler);
  }
}

/** Appends the late phase to the function of a handler, or to what stands in its place. */
export function bindLateTo({ controller, name }: Route, handler: Handler): void {
  UseGuards(latePhase)(controller.prototype as object, name, { value: handler });
}

/** By the metadata, which wrappers copy. */
const isLateBound = (handler: Handler): boolean => guardsOf(handler).includes(latePhase);
