// Symbol.for, so that the ES module and the CommonJS copy of this package mean the same provider.

export const RATE_LIMIT_OPTIONS = Symbol.for('nestjs-redis-rate-limit/options');

/** Whether the module binds the guard itself: its `guard` extra. */
export const RATE_LIMIT_BOUND = Symbol.for('nestjs-redis-rate-limit/bound');

/** The options checked, with their defaults. */
export const RATE_LIMIT_SETTINGS = Symbol.for('nestjs-redis-rate-limit/settings');

/** What the limiter is made of, opened. */
export const RATE_LIMIT_PARTS = Symbol.for('nestjs-redis-rate-limit/parts');

/** For `@Inject(RATE_LIMIT_STORE)`: the `RateLimitStore` with all its wrappers. */
export const RATE_LIMIT_STORE = Symbol.for('nestjs-redis-rate-limit/store');

/**
 * Any module may provide an `Observer` under this token: `{ provide: RATE_LIMIT_OBSERVER, useClass: MyObserver }`. All of
 * them receive events, and so does the option `observer`.
 */
export const RATE_LIMIT_OBSERVER = Symbol.for('nestjs-redis-rate-limit/observer');

/** What calls hold until they end. */
export const RATE_LIMIT_HOLDS = Symbol.for('nestjs-redis-rate-limit/holds');

/** Every handler's plan. */
export const RATE_LIMIT_PLANS = Symbol.for('nestjs-redis-rate-limit/plans');
