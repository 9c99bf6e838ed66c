import type { ModulesContainer } from '@nestjs/core';
import { few, oneLine } from '../../../core/shown.js';
import type { Plans } from '../../plan/plans.js';
import { RateLimiter } from '../../rate-limiter.service.js';
import type { RateLimitSettings } from '../../settings.js';
import { isAskedFor } from './coverage.js';
import { dependenciesOf } from './dependencies.js';

/**
 * Warns where no handler has a limit. An application that imports the module wants something limited: its lists may do
 * that, or code that asks for `RateLimiter`.
 */
export function warnOfNothingLimited(
  plans: Plans,
  { options, lists, logger }: RateLimitSettings,
  modules: ModulesContainer,
): void {
  const { routes, catalogue } = plans;
  const isLimited = routes.some((route) => plans.for(route).all.length > 0);
  if (isLimited || routes.length === 0 || lists || isInjected(RateLimiter, modules)) return;
  const isAsked = Boolean(options.default?.length) || routes.some(isAskedFor);
  logger.warn(`No handler has a limit: ${isAsked ? SKIPPED : reasonIn(catalogue.names)}`);
}

const SKIPPED =
  'each of them skips every policy that is asked for. Remove @SkipRateLimit from the handlers that are to have a limit.';

function reasonIn(names: readonly string[]): string {
  if (names.length === 0) {
    return "there are no policies. Add some to RateLimitModule.forRoot() and their names to default, or @RateLimit({ limit: 10, window: '1m' }) to handlers.";
  }
  return (
    `policies has ${few(names)}, but neither default nor a @RateLimit asks for any of them. ` +
    `Add a name to default, or @RateLimit('${oneLine(names[0]!)}') to handlers.`
  );
}

const isInjected = (token: unknown, modules: ModulesContainer): boolean =>
  [...modules.values()].some(({ providers, controllers, injectables }) =>
    [...providers.values(), ...controllers.values(), ...injectables.values()].some((each) =>
      dependenciesOf(each).some((dependency) => dependency.token === token),
    ),
  );
