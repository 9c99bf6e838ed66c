import type { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { abilitiesOf } from '../../engine/store-abilities.js';
import { applicationName } from '../plan/application-name.js';
import { Plans } from '../plan/plans.js';
import { RuleCatalogue } from '../plan/rule-catalogue.js';
import { routesOf } from '../plan/routes.js';
import type { RateLimitSettings } from '../settings.js';
import { warnOfEstimates } from './mistakes/estimates.js';
import { warnOfMessages } from './mistakes/messages.js';
import { warnOfSharedQuotas } from './mistakes/shared-quotas.js';
import { refuseStrays } from './mistakes/strays.js';

/**
 * Makes the plans of all handlers. A certain mistake stops the start, a likely one logs a warning.
 *
 * @throws RateLimitError
 */
export function makePlans(settings: RateLimitSettings, discovery: DiscoveryService, modules: ModulesContainer): Plans {
  const { options } = settings;
  refuseStrays(discovery);
  const isShared = options.redis !== undefined || options.store !== undefined;
  const application = isShared && options.prefix === undefined ? applicationName() : undefined;
  const catalogue = new RuleCatalogue(options.policies, abilitiesOf(options), options.mode);
  const plans = new Plans(catalogue, options.default ?? [], routesOf(discovery, modules, application));
  warnOfEstimates(plans, settings);
  warnOfMessages(discovery, settings);
  warnOfSharedQuotas(plans, settings, application);
  return plans;
}
