import { Inject, Injectable, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import { bookOf } from '../../core/limit-book.js';
import { isBlocking, type RateLimitStore } from '../../core/store.js';
import { DenialCacheStore } from '../../stores/denials/denial-cache.store.js';
import { FailurePolicyStore } from '../../stores/failure/failure-policy.store.js';
import { MemoryLimitBook } from '../../stores/memory/memory.limit-book.js';
import { MemoryStore } from '../../stores/memory/memory.store.js';
import { connect, disconnect, type Connection } from '../../stores/redis/connection/connection.js';
import { nameOf } from '../../stores/redis/connection/client.js';
import { DEFAULT_PREFIX, DEFAULT_TIMEOUT, RedisStore } from '../../stores/redis/redis.store.js';
import { Catalogue } from '../plan/catalogue.js';
import { LiveLimits } from '../limits/live-limits.js';
import { RateLimitExceptionFilter } from '../request/rate-limit.filter.js';
import { RateLimitGuard } from '../request/rate-limit.guard.js';
import { bindLatePhase } from './late-phase.js';
import { loggingObserver } from './logging-observer.js';
import { documentRoutes, isGuardedBy } from '../openapi/document-routes.js';
import { denialCacheOf, liveLimitsOf, type RateLimitModuleOptions } from '../options.js';
import { Plans } from '../plan/plans.js';
import { refuseStrays, routesOf } from '../plan/routes.js';
import { settingsOf, type RateLimitSettings } from '../settings.js';
import {
  RATE_LIMIT_BOUND,
  RATE_LIMIT_CONNECTION,
  RATE_LIMIT_OPTIONS,
  RATE_LIMIT_PLANS,
  RATE_LIMIT_SETTINGS,
  RATE_LIMIT_STORE,
} from '../tokens.js';
import { RateLimiter } from '../rate-limiter.service.js';

/** The connection to Redis, and the store that uses it. */
interface OpenRedis {
  readonly connection: Connection;
  readonly store: RedisStore;
}

/** In milliseconds. All that was asked is answered by then. */
const LONGEST_PARTING = 1_000;

/** Closes what we opened, once the server has answered its last request, and everybody else who asked has his answer. */
@Injectable()
class ConnectionCloser implements OnApplicationShutdown {
  constructor(
    @Inject(RATE_LIMIT_CONNECTION) private readonly redis: OpenRedis | undefined,
    @Inject(RATE_LIMIT_SETTINGS) private readonly settings: RateLimitSettings,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    if (!this.redis) return;
    await this.redis.store.settled();
    const { timeout = DEFAULT_TIMEOUT } = this.settings.options;
    await disconnect(this.redis.connection, Math.min(timeout, LONGEST_PARTING));
  }
}

/**
 * Everything is made before the router is built, so that a mistake stops the start and the guards are in place: plans
 * first, which need nothing, then the connection.
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
    inject: [RATE_LIMIT_SETTINGS, DiscoveryService],
    useFactory: ({ options }: RateLimitSettings, discovery: DiscoveryService) => {
      refuseStrays(discovery);
      const canBlock = options.store === undefined || isBlocking(options.store);
      return new Plans(new Catalogue(options.policies, canBlock), options.default ?? [], routesOf(discovery));
    },
  },
  {
    provide: RATE_LIMIT_CONNECTION,
    inject: [RATE_LIMIT_SETTINGS, RATE_LIMIT_PLANS],
    useFactory: async ({ options, logger }: RateLimitSettings): Promise<OpenRedis | undefined> => {
      const { redis, prefix, timeout = DEFAULT_TIMEOUT } = options;
      if (redis === undefined) return undefined;
      const connection = await connect(redis, timeout, (news) => logger.warn(news));
      return { connection, store: new RedisStore(connection.client, { prefix, timeout }) };
    },
  },
  {
    provide: RATE_LIMIT_STORE,
    inject: [RATE_LIMIT_SETTINGS, RATE_LIMIT_CONNECTION],
    useFactory: storeFor,
  },
  {
    // The early phase goes before even the application's own global guards: a flood of bad logins is counted before
    // anybody checks them.
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
      documentRoutes(plans, settings, bound ? () => true : isGuardedBy(config));
      return guard;
    },
  },
  {
    provide: LiveLimits,
    inject: [RATE_LIMIT_SETTINGS, RATE_LIMIT_PLANS, RATE_LIMIT_CONNECTION],
    useFactory: async ({ options, logger }: RateLimitSettings, { catalogue }: Plans, redis: OpenRedis | undefined) => {
      const book = redis?.store.limits ?? bookOf(options.store) ?? new MemoryLimitBook();
      const every = liveLimitsOf(options);
      const limits = new LiveLimits(catalogue, book, { every, warn: (news) => logger.warn(news) });
      await limits.start();
      return limits;
    },
  },
  RateLimiter,
  ConnectionCloser,
];

/** The one place where the store's layers are stacked. */
function storeFor({ options, logger }: RateLimitSettings, redis: OpenRedis | undefined): RateLimitStore {
  const { instances, onStoreFailure: mode = 'local' } = options;
  const inner = redis?.store ?? options.store;
  if (!inner) {
    const news = 'Quotas are kept in memory, by this process alone. Set redis to share them between instances.';
    // Said louder where something else was meant, as by an environment variable that is not there.
    const isMissing = 'redis' in options && process.env.NODE_ENV === 'production';
    if (isMissing || instances !== undefined) logger.warn(news);
    else logger.log(news);
    return new MemoryStore();
  }
  if (redis)
    logger.log(
      `Quotas are kept by ${nameOf(redis.connection.client)}, with the prefix "${options.prefix ?? DEFAULT_PREFIX}".`,
    );
  const maxAge = redis && denialCacheOf(options);
  const observer = loggingObserver(logger, mode, options.observer);
  const answering = new FailurePolicyStore(inner, { mode, instances, observer });
  return maxAge === undefined ? answering : new DenialCacheStore(answering, { maxAge });
}

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
