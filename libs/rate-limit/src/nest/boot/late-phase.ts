import { Injectable, UseGuards, type CanActivate } from '@nestjs/common';
import type { RateLimitGuard } from '../request/rate-limit.guard.js';
import type { Handler } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Route } from '../plan/routes.js';

/**
 * The last guard of a handler, which runs after all others. Applications of one process share their controllers, so
 * they share this class too. Each application provides its own guard for it.
 */
@Injectable()
export class LateRateLimitPhase implements CanActivate {
  /** Used if the application provides no guard for it. */
  canActivate(): boolean {
    return true;
  }
}

const bound = new WeakSet<object>();

/** Appends the late guard to the handlers that have a late policy. Other handlers pay nothing for the phase. */
export function bindLatePhase(plans: Plans, guard: RateLimitGuard): void {
  plans.isLateBound = isLateBound;
  for (const route of plans.routes) {
    const { controller, name, handler, wrapper } = route;
    if (plans.for(controller, name).late.length === 0) continue;
    if (!bound.has(handler)) bindLateTo(route, handler);
    wrapper.host?.addInjectable({ provide: LateRateLimitPhase, useValue: guard }, 'guard');
  }
}

/** Appends the late guard to the function of a handler, or to the function that replaced it. */
export function bindLateTo({ controller, name }: Route, handler: Handler): void {
  bound.add(handler);
  UseGuards(LateRateLimitPhase)(controller.prototype as object, name, { value: handler });
}

/** Reads the metadata, because wrappers copy it. */
const isLateBound = (handler: Handler): boolean =>
  ((Reflect.getMetadata('__guards__', handler) as unknown[] | undefined) ?? []).includes(LateRateLimitPhase);
