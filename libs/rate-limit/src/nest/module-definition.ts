import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import { checkBoolean } from './check-options.js';
import type { RateLimitModuleOptions } from './options.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_OPTIONS } from './tokens.js';

/** Options that a factory cannot return, because Nest wires modules before the factory runs. */
export interface RateLimitModuleExtras {
  /** Whether `RateLimiter` and the guard can be injected everywhere. Default true. */
  isGlobal?: boolean;
  /**
   * Whether the module binds the guard to every handler. Default true. With false, bind `RateLimitGuard` yourself
   * with `@UseGuards`. It then decides all policies of a handler at that place.
   */
  guard?: boolean;
}

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<RateLimitModuleOptions>({
    moduleName: 'RateLimit',
    optionsInjectionToken: RATE_LIMIT_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createRateLimitOptions')
    .setExtras<RateLimitModuleExtras>({ isGlobal: true, guard: true }, withExtras)
    .build();

function withExtras(definition: DynamicModule, { isGlobal, guard }: RateLimitModuleExtras): DynamicModule {
  checkBoolean('guard', guard);
  checkBoolean('isGlobal', isGlobal);
  const bound = { provide: RATE_LIMIT_BOUND, useValue: guard !== false };
  return {
    ...definition,
    global: isGlobal !== false,
    providers: [...(definition.providers ?? []), bound],
    exports: [...(definition.exports ?? []), bound],
  };
}
