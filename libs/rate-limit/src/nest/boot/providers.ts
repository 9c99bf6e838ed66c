import { Inject, Injectable, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { DiscoveryService, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { isBlocking } from '../../core/blocks/blocking-store.js';
import { isHolding } from '../../core/holds/holding-store.js';
import type { RateLimitStore } from '../../core/store.js';
import { KeptHolds } from '../../engine/holds/kept-holds.js';
import type { LimiterParts } from '../../engine/limiter-parts.js';
import { limiterOff } from '../../engine/limiter-off.js';
import { openLimiter } from '../../engine/open-limiter.js';
import type { RateLimitModuleOptions } from '../options.js';
import type { Plans } from '../plan/plans.js';
import { RateLimiter } from '../rate-limiter.service.js';
import { RateLimitGuard } from '../request/rate-limit.guard.js';
import { settingsOf, type RateLimitSettings } from '../settings.js';
import {
  RATE_LIMIT_BOUND,
  RATE_LIMIT_HOLDS,
  RATE_LIMIT_OPTIONS,
  RATE_LIMIT_PARTS,
  RATE_LIMIT_PLANS,
  RATE_LIMIT_SETTINGS,
  RATE_LIMIT_STORE,
} from '../tokens.js';
import { GuardBinding } from './bind-guard.js';
import { checkImports } from './mistakes/imports.js';
import { makePlans } from './make-plans.js';
import { warnOfIdleEntries } from './mistakes/idle-entries.js';
import { providedObservers } from './provided-observers.js';
import { knownKeys } from './keys-of-requests.js';

/** Closes the connection that the module opened, after all pending requests have their answers and holds are settled. */
@Injectable()
class LimiterCloser implements OnApplicationShutdown {
  constructor(
    @Inject(RATE_LIMIT_PARTS) private readonly parts: LimiterParts,
    @Inject(RATE_LIMIT_HOLDS) private readonly holds: KeptHolds,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.holds.close();
    await this.parts.close();
  }
}

const withStore = (parts: LimiterParts, store: RateLimitStore): LimiterParts => ({
  ...parts,
  store,
  unobserved: store,
  canBlock: isBlocking(store),
  canHold: isHolding(store),
});

/**
 * Everything is made before the router is built, so that a mistake stops the start and the guards are in place: first
 * the plans, which need no connection, then the limiter, which opens it.
 *
 * A test may override any of these providers. So the connection belongs to `RATE_LIMIT_PARTS`, and is closed even if a
 * test replaces `RateLimiter` or the store.
 */
export const rateLimitProviders: Provider[] = [
  {
    provide: RATE_LIMIT_SETTINGS,
    inject: [{ token: RATE_LIMIT_OPTIONS, optional: true }, ModulesContainer, HttpAdapterHost],
    useFactory: (options: RateLimitModuleOptions, modules: ModulesContainer, adapterHost: HttpAdapterHost) => {
      // The module checks this too, but Nest may make the module later.
      checkImports(modules, adapterHost);
      return settingsOf(options, providedObservers(modules));
    },
  },
  {
    provide: RATE_LIMIT_PLANS,
    inject: [RATE_LIMIT_SETTINGS, DiscoveryService, ModulesContainer],
    useFactory: makePlans,
  },
  {
    provide: RATE_LIMIT_PARTS,
    inject: [RATE_LIMIT_SETTINGS, RATE_LIMIT_PLANS],
    useFactory: (settings: RateLimitSettings, plans: Plans): LimiterParts | Promise<LimiterParts> => {
      const { options, isEnabled, lists, logger } = settings;
      const setup = {
        catalogue: plans.catalogue,
        keys: knownKeys(plans, settings),
        lists,
        listening: settings,
        logger,
      };
      if (!isEnabled) return limiterOff(options, setup);
      warnOfIdleEntries(plans, settings);
      // Where quotas are kept is part of the summary.
      return openLimiter(options, { ...setup, logger: { ...logger, log: () => undefined } });
    },
  },
  {
    provide: RATE_LIMIT_STORE,
    inject: [RATE_LIMIT_PARTS],
    useFactory: ({ store }: LimiterParts) => store,
  },
  {
    provide: RATE_LIMIT_HOLDS,
    inject: [RATE_LIMIT_STORE, RATE_LIMIT_SETTINGS],
    useFactory: (store: RateLimitStore, { logger, observer }: RateLimitSettings) =>
      new KeptHolds(store, { warn: (message) => logger.warn(message), observer }),
  },
  {
    provide: RateLimiter,
    inject: [RATE_LIMIT_PARTS, RATE_LIMIT_STORE, RATE_LIMIT_HOLDS, RATE_LIMIT_SETTINGS],
    useFactory: (parts: LimiterParts, store: RateLimitStore, holds: KeptHolds, { keys }: RateLimitSettings) =>
      new RateLimiter(store === parts.store ? parts : withStore(parts, store), keys, holds),
  },
  {
    provide: RateLimitGuard,
    inject: [
      RATE_LIMIT_PLANS,
      RATE_LIMIT_STORE,
      RATE_LIMIT_SETTINGS,
      RATE_LIMIT_HOLDS,
      { token: RATE_LIMIT_BOUND, optional: true },
    ],
    useFactory: (
      plans: Plans,
      store: RateLimitStore,
      settings: RateLimitSettings,
      holds: KeptHolds,
      isBound: boolean,
    ) => new RateLimitGuard(plans, store, settings, holds, isBound),
  },
  GuardBinding,
  LimiterCloser,
];
