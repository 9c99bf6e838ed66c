import { Inject, Injectable, Optional, UseGuards, type CanActivate } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { RateLimitStore } from '../../core/store.js';
import type { KeptHolds } from '../../engine/holds/kept-holds.js';
import type { Plans } from '../plan/plans.js';
import { RateLimitExceptionFilter } from '../request/rate-limit.filter.js';
import { RateLimitGuard } from '../request/rate-limit.guard.js';
import type { RateLimitSettings } from '../settings.js';
import {
  RATE_LIMIT_BOUND,
  RATE_LIMIT_HOLDS,
  RATE_LIMIT_PLANS,
  RATE_LIMIT_SETTINGS,
  RATE_LIMIT_STORE,
} from '../tokens.js';
import { moduleIn } from './module-in.js';
import { bindLatePhase } from './late-phase.js';

/**
 * Binds the guard while the application starts. The early phase comes before the application's own global guards, so
 * that a flood of bad logins is counted before any guard checks them.
 *
 * A test may replace the guard. Then its guard runs once before every handler, and there is no late phase.
 * `overrideProvider()` replaces the guard that is injected here. `overrideGuard()` replaces only guards that
 * `@UseGuards` names, so the decorator names our guard.
 */
@Injectable()
@UseGuards(RateLimitGuard)
export class GuardBinding {
  constructor(
    @Inject(RateLimitGuard) provided: CanActivate,
    @Inject(RATE_LIMIT_PLANS) plans: Plans,
    @Inject(RATE_LIMIT_STORE) store: RateLimitStore,
    @Inject(RATE_LIMIT_SETTINGS) settings: RateLimitSettings,
    @Inject(RATE_LIMIT_HOLDS) holds: KeptHolds,
    @Optional() @Inject(RATE_LIMIT_BOUND) isBound: boolean,
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
  ) {
    config.addGlobalFilter(new RateLimitExceptionFilter(adapterHost));
    if (!isBound || !settings.isEnabled) return;
    const guard = overrideIn(modules) ?? provided;
    config.addGlobalGuard(guard);
    if (!(guard instanceof RateLimitGuard)) return;
    guard.precede(new RateLimitGuard(plans, store, settings, holds, 'late'));
    bindLatePhase(plans);
  }
}

/** The guard of `overrideGuard()`. Nest makes it later than this, so it is looked up for each request. */
function overrideIn(modules: ModulesContainer): CanActivate | undefined {
  const guard = moduleIn(modules)?.injectables.get(RateLimitGuard);
  if (!guard || guard.metatype === RateLimitGuard) return undefined;
  return { canActivate: (context) => (guard.instance as CanActivate).canActivate(context) };
}
