import type { ApplicationConfig } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import { askedByClass, askedByMethod } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Route } from '../plan/routes.js';
import { guardsBefore, isGuardedBy } from './is-guarded-by.js';
import { namesOf, placeOf } from './summary.js';

/**
 * Looks for limits that nothing enforces, if the application binds the guard itself (`guard: false`). If no guard of
 * any kind protects a limited handler, that is an error. Another guard may call ours, so then it is only a warning. A
 * default policy that is not enforced everywhere may be intended.
 *
 * @throws RateLimitError `RL_NOT_GUARDED`
 */
export function checkCoverage(plans: Plans, config: ApplicationConfig, warn: (message: string) => void): void {
  const isGuarded = isGuardedBy(config);
  const limited = plans.routes.filter(({ controller, name }) => plans.for(controller, name).all.length > 0);
  const bare = limited.filter((route) => !isGuarded(route));
  const isNowhere = bare.length > 0 && bare.length === limited.length;
  const missing = isNowhere ? bare : bare.filter(isAskedFor);
  if (missing.length === 0) return;
  const places = namesOf(missing.map(placeOf));
  if (isNowhere && bare.every((route) => guardsBefore(config, route).length === 0)) {
    throw new RateLimitError(
      'RL_NOT_GUARDED',
      `guard is false and RateLimitGuard is not bound anywhere, so these handlers are not limited: ${places}; leave guard out, or bind it with @UseGuards(RateLimitGuard)`,
    );
  }
  warn(
    `guard is false and RateLimitGuard is not bound to ${places}: their limits are not enforced, unless another guard calls it. ` +
      'Leave guard out, or bind it with @UseGuards(RateLimitGuard).',
  );
}

const isAskedFor = ({ controller, name, handler }: Route): boolean =>
  askedByClass(controller).requested.length > 0 || askedByMethod(controller, name, handler).requested.length > 0;
