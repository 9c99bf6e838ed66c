import { Inject, Module, type DynamicModule, type NestModule, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { RateLimitGuard } from './request/rate-limit.guard.js';
import { ConfigurableModuleClass, type ASYNC_OPTIONS_TYPE, type OPTIONS_TYPE } from './module-definition.js';
import { checkRecord } from './check-options.js';
import { meetInstances } from './boot/handlers-on-instances.js';
import { rateLimitProviders } from './boot/providers.js';
import { refuseStraysOutside } from './plan/strays.js';
import { RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS, RATE_LIMIT_STORE } from './tokens.js';
import { RateLimiter } from './rate-limiter.service.js';

/**
 * Limits an application. Imported once, in the root module, with `forRoot()` or `forRootAsync()`.
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
  exports: [RateLimiter, RateLimitGuard, RATE_LIMIT_STORE, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS],
})
export class RateLimitModule extends ConfigurableModuleClass implements NestModule, OnModuleInit {
  /** @internal */
  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {
    super();
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
    refuseStraysOutside(this.modules);
  }

  /**
   * The module with these options. They are checked when the application starts, together with the handlers that use
   * the policies: a mistake stops the start with a `RateLimitError`.
   *
   * @throws RateLimitError `RL_OPTION_INVALID` when the options are no object
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    checkRecord(options);
    return super.forRoot(options);
  }

  /**
   * The same with options that a factory returns: `useFactory` with `inject`, or `useClass` or `useExisting` of a class
   * with `createRateLimitOptions()`. `guard` and `isGlobal` stand beside the factory, not in what it returns.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}
