import type { INestApplicationContext } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import type { Handler } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Route } from '../plan/routes.js';
import type { RateLimitSettings } from '../settings.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS } from '../tokens.js';
import { answersOf } from './answers-of.js';
import { addedTo, declaredBy, restore, write } from './api-responses.js';
import { inCommon } from './in-common.js';
import { isGuardedBy } from '../boot/is-guarded-by.js';

/**
 * Adds the rate limits of an application to its OpenAPI document: the answers 429, 503 and 403 of every limited handler,
 * and the `RateLimit` fields of its own answers.
 *
 * Call it right before `SwaggerModule.createDocument()`. Global guards and the metadata of the compiler plugin must be
 * there by then; both are read at the time of the call, and so are limits that were changed while the application runs.
 * What you declare with `@ApiResponse` is never replaced.
 *
 * @example
 * ```ts
 * SwaggerModule.setup('openapi', app, () => {
 *   documentRateLimits(app);
 *   return SwaggerModule.createDocument(app, about);
 * });
 * ```
 * @param app what `NestFactory.create()` returned
 * @throws RateLimitError `RL_NOT_IMPORTED` when the application does not import `RateLimitModule`
 */
export function documentRateLimits(app: INestApplicationContext): void {
  const { plans, settings, isBound } = limitsOf(app);
  const isGuarded = isBound ? () => true : isGuardedBy(app.get(ApplicationConfig));
  for (const [handler, routes] of routesByHandler(plans)) {
    const rules = routes.map((route) => plans.for(route).all);
    if (routes.every(isGuarded) && rules.every((each) => each.length > 0)) {
      const answers = inCommon(rules.map((each) => answersOf(each, settings)));
      write(handler, addedTo(declaredBy(handler), routes, answers));
    } else {
      restore(handler);
    }
  }
}

interface Limits {
  readonly plans: Plans;
  readonly settings: RateLimitSettings;
  /** Whether the module binds the guard itself. */
  readonly isBound: boolean;
}

/** Looks into the modules, because `app.get()` of a provider that is missing ends the process by default. */
function limitsOf(app: INestApplicationContext): Limits {
  for (const { providers } of app.get(ModulesContainer).values()) {
    const plans = providers.get(RATE_LIMIT_PLANS);
    if (!plans) continue;
    return {
      plans: plans.instance as Plans,
      settings: providers.get(RATE_LIMIT_SETTINGS)!.instance as RateLimitSettings,
      isBound: providers.get(RATE_LIMIT_BOUND)?.instance === true,
    };
  }
  throw new RateLimitError(
    'RL_NOT_IMPORTED',
    'documentRateLimits() found no RateLimitModule in the application; import RateLimitModule.forRoot() in its root module, or remove the call',
  );
}

/**
 * Controllers that inherit a handler share its function, and a function has one description. It is the function that
 * `@nestjs/swagger` will read: something may have wrapped the handler since the application started.
 */
function routesByHandler({ routes }: Plans): Map<Handler, Route[]> {
  const byHandler = new Map<Handler, Route[]>();
  for (const route of routes) {
    const handler = (route.controller.prototype as Record<string, Handler>)[route.name] ?? route.handler;
    const sharing = byHandler.get(handler);
    if (sharing) sharing.push(route);
    else byHandler.set(handler, [route]);
  }
  return byHandler;
}
