import { Injectable, UseGuards, type CanActivate } from '@nestjs/common';
import type { RateLimitGuard } from '../request/rate-limit.guard.js';
import type { Handler } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Route } from '../plan/routes.js';
import { guardsOf } from './is-guarded-by.js';

/**
 * Stands at the end of a handler's guards, where everybody else's have run. The class is the same for all applications
 * of a process, which share their controllers; each application files its own guard under it.
 */
@Injectable()
export class LateRateLimitPhase implements CanActivate {
  /** Where no application filed one. */
  canActivate(): boolean {
    return true;
  }
}

const bound = new WeakSet<object>();

/** Appends the late guard to just those handlers that have a late policy: the others pay nothing for the phase. */
export function bindLatePhase(plans: Plans, guard: RateLimitGuard): void {
  plans.isLateBound = isLateBound;
  for (const route of plans.routes) {
    const { handler, wrapper } = route;
    if (plans.for(route).late.length === 0) continue;
    if (!bound.has(handler)) bindLateTo(route, handler);
    wrapper.host?.addInjectable({ provide: LateRateLimitPhase, useValue: guard }, 'guard');
  }
}

/** Appends the late guard to the function of a handler, or to what stands in its place. */
export function bindLateTo({ controller, name }: Route, handler: Handler): void {
  bound.add(handler);
  UseGuards(LateRateLimitPhase)(controller.prototype as object, name, { value: handler });
}

/** By the metadata, which wrappers copy. */
const isLateBound = (handler: Handler): boolean => guardsOf(handler).includes(LateRateLimitPhase);
