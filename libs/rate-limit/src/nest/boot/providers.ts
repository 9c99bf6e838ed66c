import { Inject, Injectable, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import type { RateLimitStore } from '../../core/store.js';
import { openLimiter } from '../../engine/open-limiter.js';
import type { RateLimitModuleOptions } from '../options.js';
import type { Plans } from '../plan/plans.js';
import { RateLimiter } from '../rate-limiter.service.js';
import { RateLimitExceptionFilter } from '../request/rate-limit.filter.js';
import { RateLimitGuard } from '../request/rate-limit.guard.js';
import { settingsOf, type RateLimitSettings } from '../settings.js';
import {
  RATE_LIMIT_BOUND,
  RATE_LIMIT_OPTIONS,
  RATE_LIMIT_PLANS,
  RATE_LIMIT_SETTINGS,
  RATE_LIMIT_STORE,
} from '../tokens.js';
import { bindLatePhase } from './late-phase.js';
import { makePlans } from './make-plans.js';

/** Closes what the module opened, when every request that is under way has its answer. */
@Injectable()
class LimiterCloser implements OnApplicationShutdown {
  constructor(@Inject(RateLimiter) private readonly limiter: RateLimiter) {}

  async onApplicationShutdown(): Promise<void> {
    await this.limiter.close();
  }
}

/**
 * Everything is made before the router is built, so that a mistake stops the start and the guards are in place: plans
 * first, which need nothing, then the limiter, which opens the connection.
 */
export const rateLimitProviders: Provider[] = [
  {
    provide: RATE_LIMIT_SETTINGS,
    inject: [{ token: RATE_LIMIT_OPTIONS, optional: true }, ModulesContainer],
    useFactory: (options: RateLimitModuleOptions | undefined, modules: ModulesContainer) => {
      checkImportedOnce(options, modules);
      return settingsOf(options);
    },
  },
  {
    provide: RATE_LIMIT_PLANS,
    inject: [RATE_LIMIT_SETTINGS, DiscoveryService, ModulesContainer],
    useFactory: makePlans,
  },
  {
    provide: RateLimiter,
    inject: [RATE_LIMIT_SETTINGS, RATE_LIMIT_PLANS],
    useFactory: async ({ options, lists, observer, logger }: RateLimitSettings, { catalogue }: Plans) =>
      new RateLimiter(await openLimiter(options, catalogue, logger, lists, observer)),
  },
  {
    provide: RATE_LIMIT_STORE,
    inject: [RateLimiter],
    useFactory: ({ store }: RateLimiter) => store,
  },
  {
    // The early phase goes before even the application's own global guards: a flood of bad logins is counted before
    // any guard checks them.
    provide: RateLimitGuard,
    inject: [
      RATE_LIMIT_PLANS,
      RATE_LIMIT_STORE,
      RATE_LIMIT_SETTINGS,
      { token: RATE_LIMIT_BOUND, optional: true },
      ApplicationConfig,
      HttpAdapterHost,
    ],
    useFactory: (
      plans: Plans,
      store: RateLimitStore,
      settings: RateLimitSettings,
      bound: boolean,
      config: ApplicationConfig,
      adapterHost: HttpAdapterHost,
    ) => {
      const guard = new RateLimitGuard(plans, store, settings, bound);
      config.addGlobalFilter(new RateLimitExceptionFilter(adapterHost));
      if (bound) {
        config.addGlobalGuard(guard);
        bindLatePhase(plans, new RateLimitGuard(plans, store, settings, 'late'));
      }
      return guard;
    },
  },
  LimiterCloser,
];

function checkImportedOnce(options: RateLimitModuleOptions | undefined, modules: ModulesContainer): void {
  const imports = [...modules.values()].filter(
    ({ metatype, providers }) => metatype.name === 'RateLimitModule' && providers.has(RATE_LIMIT_SETTINGS),
  );
  if (imports.length > 1) {
    throw new RateLimitError(
      'RL_IMPORTED_TWICE',
      'RateLimitModule is imported more than once; import forRoot() or forRootAsync() in the root module alone: it is global, so no other module needs it',
    );
  }
  if (options === undefined) {
    throw new RateLimitError(
      'RL_IMPORTED_BARE',
      'RateLimitModule has no options; import it with forRoot(), or with forRootAsync() and a factory that returns them',
    );
  }
}
