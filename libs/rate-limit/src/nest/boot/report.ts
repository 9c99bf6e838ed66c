import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { oneLine } from '../../core/shown.js';
import type { LimiterParts } from '../../engine/limiter.js';
import type { Plans } from '../plan/plans.js';
import { RateLimiter } from '../rate-limiter.service.js';
import type { RateLimitSettings } from '../settings.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_PARTS, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS } from '../tokens.js';
import { checkCoverage, isAskedFor } from './coverage.js';
import { dependenciesOf } from './dependencies.js';
import { isGuardedBy } from './is-guarded-by.js';
import { moduleIn } from './module-in.js';
import { namesOf, summaryOf } from './summary.js';
import { warnOfEarlyUsers, warnOfGuardsBehind } from './users-too-early.js';

/**
 * Says what is limited, and of what looks like a limit and is none. Called when the routes are made, so that
 * `app.useGlobalGuards()` counts too.
 *
 * @param hasServer whether requests come over HTTP
 * @throws RateLimitError `RL_NOT_GUARDED`; what was opened is closed then, because the application does not start
 */
export async function reportLimits(
  modules: ModulesContainer,
  config: ApplicationConfig,
  hasServer: boolean,
): Promise<void> {
  const providers = moduleIn(modules)!.providers;
  const made = <T>(token: symbol): T => providers.get(token)!.instance as T;
  const settings = made<RateLimitSettings>(RATE_LIMIT_SETTINGS);
  const { logger, options, lists, isEnabled } = settings;
  if (!isEnabled) return;
  const plans = made<Plans>(RATE_LIMIT_PLANS);
  const parts = made<LimiterParts>(RATE_LIMIT_PARTS);
  const isBound = made<boolean>(RATE_LIMIT_BOUND);
  const warn = (message: string) => logger.warn(message);
  if (!isBound && hasServer) {
    try {
      checkCoverage(plans, lists, config, warn);
    } catch (error) {
      parts.limits.stop();
      await parts.close();
      throw error;
    }
  }
  const isGuarded = isBound ? () => true : isGuardedBy(config);
  logger.log(summaryOf({ plans, options, isBound, isGuarded, kept: parts.kept }));
  if (isBound) warnOfEarlyUsers(plans, warn);
  else if (hasServer) warnOfGuardsBehind(plans, config, warn);
  if (hasServer) warnOfNone(plans, settings, modules, warn);
}

/** An application that imports the module wants something limited. Its lists may be that, or code that asks for `RateLimiter`. */
function warnOfNone(
  plans: Plans,
  { options, lists }: RateLimitSettings,
  modules: ModulesContainer,
  warn: (message: string) => void,
): void {
  const { routes, catalogue } = plans;
  const isLimited = routes.some(({ controller, name }) => plans.for(controller, name).all.length > 0);
  if (isLimited || routes.length === 0 || lists || isInjected(RateLimiter, modules)) return;
  const isAsked = Boolean(options.default?.length) || routes.some(isAskedFor);
  warn(`No handler has a limit: ${whyNone(catalogue.names, isAsked)}`);
}

function whyNone(names: readonly string[], isAsked: boolean): string {
  if (isAsked)
    return 'each of them skips every policy that is asked for. Remove @SkipRateLimit from the handlers to limit.';
  if (names.length === 0) {
    return "there are no policies. Add some to RateLimitModule.forRoot() and their names to default, or @RateLimit({ limit: 10, window: '1m' }) to handlers.";
  }
  return (
    `policies has ${namesOf(names)}, but neither default nor a @RateLimit asks for any of them. ` +
    `Add a name to default, or @RateLimit('${oneLine(names[0]!)}') to handlers.`
  );
}

const isInjected = (token: unknown, modules: ModulesContainer): boolean =>
  [...modules.values()].some(({ providers, controllers, injectables }) =>
    [...providers.values(), ...controllers.values(), ...injectables.values()].some((each) =>
      dependenciesOf(each).some((dependency) => dependency.token === token),
    ),
  );
