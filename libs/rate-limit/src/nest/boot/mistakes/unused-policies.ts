import type { ModulesContainer } from '@nestjs/core';
import { few } from '../../../core/shown.js';
import type { Plans } from '../../plan/plans.js';
import { RateLimiter } from '../../rate-limiter.service.js';
import { dependenciesOf } from './dependencies.js';

/** A catalogue that nothing uses was meant for something. Code that asks for `RateLimiter` may use it. */
export function warnOfUnusedPolicies(plans: Plans, modules: ModulesContainer, warn: (message: string) => void): void {
  const { routes, catalogue } = plans;
  const isLimited = routes.some((route) => plans.for(route).all.length > 0);
  if (isLimited || routes.length === 0 || catalogue.names.length === 0 || isInjected(RateLimiter, modules)) return;
  warn(
    `No handler has a limit: policies has ${few(catalogue.names)}, but neither default nor @RateLimit asks for one. ` +
      "Add a name to default, or @RateLimit('…') to handlers.",
  );
}

const isInjected = (token: unknown, modules: ModulesContainer): boolean =>
  [...modules.values()].some(({ providers, controllers, injectables }) =>
    [...providers.values(), ...controllers.values(), ...injectables.values()].some((each) =>
      dependenciesOf(each).some((dependency) => dependency.token === token),
    ),
  );
