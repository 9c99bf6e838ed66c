import type { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { few } from '../../core/shown.js';
import { canBlockWith } from '../../engine/open-stores.js';
import { applicationName } from '../plan/application-name.js';
import { ownQuotas, sharedQuotas } from '../plan/own-quotas.js';
import { Plans } from '../plan/plans.js';
import { RuleCatalogue } from '../plan/rule-catalogue.js';
import { routesOf } from '../plan/routes.js';
import { messageHandlersUnderLimits, refuseStrays } from './mistakes/strays.js';
import type { RateLimitSettings } from '../settings.js';

/**
 * Makes the plans of all handlers. A certain mistake stops the start, a likely one logs a warning.
 *
 * @throws RateLimitError
 */
export function makePlans(
  { options, logger }: RateLimitSettings,
  discovery: DiscoveryService,
  modules: ModulesContainer,
): Plans {
  refuseStrays(discovery);
  const isShared = options.redis !== undefined || options.store !== undefined;
  const application = isShared && options.prefix === undefined ? applicationName() : undefined;
  const catalogue = new RuleCatalogue(options.policies, canBlockWith(options));
  const plans = new Plans(catalogue, options.default ?? [], routesOf(discovery, modules, application));

  const messages = messageHandlersUnderLimits(discovery, Boolean(options.default?.length));
  if (messages.length > 0) {
    logger.warn(
      `@RateLimit and default policies do not limit messages, so these handlers are not limited: ${few(messages, MOST_NAMED)}. Limit them in code, with RateLimiter.consume().`,
    );
  }
  const quotas = ownQuotas(plans);
  const sharing = sharedQuotas(quotas);
  if (sharing.length > 0) {
    logger.warn(
      `Handlers with the same method and path share the quotas of their own: ${few(sharing, MOST_NAMED)}. Give their policies names, as in @RateLimit({ name: 'search', … }).`,
    );
  }
  if (options.redis !== undefined && options.prefix === undefined && application === undefined && quotas.size > 0) {
    logger.warn(
      "Unnamed policies share their quotas with other applications on the same Redis that have the same routes, because no package.json with a name was found for this application. Set a prefix, as in RateLimitModule.forRoot({ prefix: 'shop' }).",
    );
  }
  return plans;
}

const MOST_NAMED = 10;
