import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { LimiterParts } from '../../engine/limiter-parts.js';
import type { Plans } from '../plan/plans.js';
import type { RateLimitSettings } from '../settings.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_PARTS, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS } from '../tokens.js';
import { checkCoverage } from './mistakes/coverage.js';
import { warnOfNothingLimited } from './mistakes/nothing-limited.js';
import { warnOfEarlyUsers, warnOfGuardsBehind } from './mistakes/users-too-early.js';
import { isGuardedBy } from './is-guarded-by.js';
import { moduleIn } from './module-in.js';
import { summaryOf } from './summary/summary.js';

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
      await parts.close();
      throw error;
    }
  }
  const isGuarded = isBound ? () => true : isGuardedBy(config);
  logger.log(summaryOf({ plans, options, lists, isBound, isGuarded, kept: parts.kept() }));
  if (isBound) warnOfEarlyUsers(plans, warn);
  else if (hasServer) warnOfGuardsBehind(plans, config, warn);
  if (hasServer) warnOfNothingLimited(plans, settings, modules);
}
