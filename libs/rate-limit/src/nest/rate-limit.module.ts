import {
  Inject,
  Module,
  type DynamicModule,
  type NestModule,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { ApplicationConfig, DiscoveryModule, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { RateLimitGuard } from './request/rate-limit.guard.js';
import { ConfigurableModuleClass, type ASYNC_OPTIONS_TYPE, type OPTIONS_TYPE } from './module-definition.js';
import { checkAsyncOptions, createdOptions, readOptions } from './check-options.js';
import { meetInstances } from './boot/handlers-on-instances.js';
import { checkImports } from './boot/mistakes/imports.js';
import { beginObserving } from './boot/provided-observers.js';
import { rateLimitProviders } from './boot/providers.js';
import { reportLimits } from './boot/report.js';
import { refuseScopedOptions } from './boot/mistakes/scoped-options.js';
import { refuseStraysOutside } from './boot/mistakes/strays.js';
import { RATE_LIMIT_HOLDS, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS, RATE_LIMIT_STORE } from './tokens.js';
import { RateLimiter } from './rate-limiter.service.js';

/**
 * Limits an application. Import it once, in the root module, with `forRoot()` or `forRootAsync()`.
 *
 * @example
 * ```ts
 * RateLimitModule.forRoot({
 *   redis: 'redis://localhost:6379',
 *   policies: { burst: { limit: 20, window: '1s', algorithm: 'token-bucket' } },
 *   default: ['burst'],
 * })
 * ```
 */
@Module({
  imports: [DiscoveryModule],
  providers: rateLimitProviders,
  exports: [RateLimiter, RateLimitGuard, RATE_LIMIT_STORE, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS, RATE_LIMIT_HOLDS],
})
export class RateLimitModule
  extends ConfigurableModuleClass
  implements NestModule, OnModuleInit, OnApplicationBootstrap
{
  /**
   * Nest makes the module even if it makes none of its providers.
   *
   * @internal
   */
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
  ) {
    super();
    checkImports(modules, adapterHost);
  }

  /**
   * Nest calls it before it makes the routes.
   *
   * @internal
   */
  configure(): void {
    meetInstances(this.modules);
  }

  /**
   * Middleware is known by now.
   *
   * @internal
   */
  onModuleInit(): void {
    refuseScopedOptions(this.modules);
    beginObserving(this.modules);
    refuseStraysOutside(this.modules);
  }

  /** @internal */
  async onApplicationBootstrap(): Promise<void> {
    await reportLimits(this.modules, this.config, Boolean(this.adapterHost.httpAdapter));
  }

  /**
   * The module with these options. They are checked when the application starts, together with the handlers that use
   * the policies: a mistake stops the start with a `RateLimitError`.
   *
   * @throws RateLimitError `RL_OPTION_INVALID` if the options are not an object
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.forRoot(readOptions(options, 'RateLimitModule.forRoot() takes'));
  }

  /**
   * The same with options that a factory returns: `useFactory` with `inject`, or `useClass` or `useExisting` with a
   * class that has `createRateLimitOptions()`. Put `guard` and `isGlobal` beside the factory, not into the options it
   * returns.
   *
   * @throws RateLimitError `RL_OPTION_INVALID`, `RL_OPTION_UNKNOWN` if there is no factory, or if options are beside it
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkAsyncOptions(options);
    const { useClass, useExisting, ...rest } = options;
    const from = useExisting ?? useClass;
    if (options.useFactory || !from) return super.forRootAsync(options);
    const module = super.forRootAsync({ ...rest, inject: [from], useFactory: createdOptions });
    return useExisting ? module : { ...module, providers: [...(module.providers ?? []), from] };
  }
}
