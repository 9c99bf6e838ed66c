import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { LimiterParts } from '../../engine/limiter.js';
import type { Plans } from '../plan/plans.js';
import { RateLimiter } from '../rate-limiter.service.js';
import type { RateLimitSettings } from '../settings.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_PARTS, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS } from '../tokens.js';
import { checkCoverage } from './coverage.js';
import { dependenciesOf } from './dependencies.js';
import { isGuardedBy } from './is-guarded-by.js';
import { moduleIn } from './module-in.js';
import { namesOf, summaryOf } from './summary.js';

/**
 * Logs what is limited, and warns about limits that have no effect. Called after the routes are made, so that
 * `app.useGlobalGuards()` counts too.
 *
 * @param hasServer whether requests come over HTTP
 * @throws RateLimitError `RL_NOT_GUARDED`. The connection is closed then, because the application does not start
 */
export async function reportLimits(
  modules: ModulesContainer,
  config: ApplicationConfig,
  hasServer: boolean,
): Promise<void> {
  const providers = moduleIn(modules)!.providers;
  const made = <T>(token: symbol): T => providers.get(token)!.instance as T;
  const { logger, options, isEnabled } = made<RateLimitSettings>(RATE_LIMIT_SETTINGS);
  if (!isEnabled) return;
  const plans = made<Plans>(RATE_LIMIT_PLANS);
  const parts = made<LimiterParts>(RATE_LIMIT_PARTS);
  const isBound = made<boolean>(RATE_LIMIT_BOUND);
  const warn = (message: string) => logger.warn(message);
  if (!isBound && hasServer) {
    try {
      checkCoverage(plans, config, warn);
    } catch (error) {
      parts.limits.stop();
      await parts.close();
      throw error;
    }
  }
  const isGuarded = isBound ? () => true : isGuardedBy(config);
  logger.log(summaryOf({ plans, options, isBound, isGuarded, kept: parts.kept }));
  if (hasServer) warnOfNone(plans, modules, warn);
}

/** Warns if nothing uses the catalogue. Classes that inject `RateLimiter` may use it. */
function warnOfNone(plans: Plans, modules: ModulesContainer, warn: (message: string) => void): void {
  const { routes, catalogue } = plans;
  const isLimited = routes.some(({ controller, name }) => plans.for(controller, name).all.length > 0);
  if (isLimited || routes.length === 0 || catalogue.names.length === 0 || isInjected(RateLimiter, modules)) return;
  warn(
    `No handler has a limit: policies defines ${namesOf(catalogue.names)}, but neither default nor @RateLimit uses them. ` +
      "Add a name to default, or @RateLimit('…') to handlers.",
  );
}

const isInjected = (token: unknown, modules: ModulesContainer): boolean =>
  [...modules.values()].some(({ providers, controllers, injectables }) =>
    [...providers.values(), ...controllers.values(), ...injectables.values()].some((each) =>
      dependenciesOf(each).some((dependency) => dependency.token === token),
    ),
  );
