import type { ApplicationConfig } from '@nestjs/core';
import { RateLimitError } from '../../../core/errors.js';
import { few } from '../../../core/shown.js';
import type { Lists } from '../../../engine/lists/lists.js';
import { askedByClass, askedByMethod } from '../../plan/plan.js';
import type { Plans } from '../../plan/plans.js';
import { placeOf, type Route } from '../../plan/routes.js';
import { guardsBefore, isGuardedBy } from '../is-guarded-by.js';

/**
 * Looks for limits that nothing enforces, where the application binds the guard itself (`guard: false`). Where no guard
 * of any kind stands before a limited handler, that is surely a mistake. Another guard may call ours, so that is said
 * only. A default that is not enforced everywhere may be meant. The module's deny list is for every handler, limited or
 * not.
 *
 * @throws RateLimitError `RL_NOT_GUARDED`
 */
export function checkCoverage(
  plans: Plans,
  lists: Lists | undefined,
  config: ApplicationConfig,
  warn: (message: string) => void,
): void {
  checkLimits(plans, config, warn);
  if (lists?.refusesCallers) checkDenials(plans.routes, config, warn);
}

function checkLimits(plans: Plans, config: ApplicationConfig, warn: (message: string) => void): void {
  const isGuarded = isGuardedBy(config);
  const limited = plans.routes.filter((route) => plans.for(route).all.length > 0);
  const bare = limited.filter((route) => !isGuarded(route));
  const isNowhere = bare.length > 0 && bare.length === limited.length;
  const missing = isNowhere ? bare : bare.filter(isAskedFor);
  if (missing.length === 0) return;
  const places = few(missing.map(placeOf));
  if (isNowhere && bare.every((route) => guardsBefore(config, route).length === 0)) {
    throw new RateLimitError(
      'RL_NOT_GUARDED',
      `guard is false and RateLimitGuard is bound nowhere, so nothing is limited: ${places}; leave guard out, or bind it with @UseGuards(RateLimitGuard); to switch limits off, say enabled: false`,
    );
  }
  warn(
    `guard is false and RateLimitGuard is not bound to ${places}: their limits are not enforced, unless another guard calls it. ` +
      'Leave guard out, or bind it with @UseGuards(RateLimitGuard).',
  );
}

function checkDenials(routes: readonly Route[], config: ApplicationConfig, warn: (message: string) => void): void {
  const isGuarded = isGuardedBy(config);
  const bare = routes.filter((route) => !isGuarded(route));
  if (bare.length === 0) return;
  const isNowhere = bare.length === routes.length;
  if (isNowhere && bare.every((route) => guardsBefore(config, route).length === 0)) {
    throw new RateLimitError(
      'RL_NOT_GUARDED',
      'guard is false and RateLimitGuard is bound nowhere, so the deny list refuses nobody; leave guard out, or bind it with @UseGuards(RateLimitGuard)',
    );
  }
  warn(
    `The deny list refuses nobody at ${few(bare.map(placeOf))}: guard is false and RateLimitGuard is not bound there, ` +
      'unless another guard calls it. Leave guard out, or bind it with @UseGuards(RateLimitGuard).',
  );
}

/** Whether its own decorators ask for limits. */
export const isAskedFor = ({ controller, name, handler }: Route): boolean =>
  askedByClass(controller).requested.length > 0 || askedByMethod(controller, name, handler).requested.length > 0;
