import { RateLimitError } from '../core/errors.js';
import { kindOf, shown } from '../core/shown.js';
import { checkKnownKeys } from '../core/checks.js';
import { checkPolicies, checkStoreOptions, invalid, isRecord, STORE_KEYS } from '../engine/check-options.js';
import { headerProfiles } from '../headers/ratelimit-headers.js';
import type { RateLimitModuleOptions } from './options.js';

export const MODULE_KEYS = [...STORE_KEYS, 'policies', 'default', 'headers', 'shadowHeaders', 'keys', 'enabled'];

/** The options that wire the module. They are beside a factory, because the factory runs too late for them. */
const EXTRAS = ['guard', 'isGlobal'];
const ASYNC_KEYS = ['imports', 'inject', 'useFactory', 'useClass', 'useExisting', 'provideInjectionTokensFrom'];

/**
 * Copies the options of `forRoot()` or of a factory. Each is read once: a configuration class may have getters, which
 * are not among its keys.
 *
 * @throws RateLimitError `RL_OPTION_INVALID` if it is not an object of options
 */
export function readOptions<T extends object>(options: T, place: string): T {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  const names = (isObject ? [...MODULE_KEYS, ...EXTRAS] : []).filter((name) => name in options);
  // No option is a function, but a Map has keys().
  const known = names
    .map((name) => [name, options[name as keyof T]] as const)
    .filter(([, value]) => typeof value !== 'function');
  if (!isRecord(options) && known.length === 0) {
    throw new RateLimitError('RL_OPTION_INVALID', `${place} an object of options, got ${kindOf(options)}`);
  }
  return { ...options, ...Object.fromEntries(known) };
}

/**
 * Checks the options as far as that is possible before anything is opened. Policies are checked with the handlers that
 * use them.
 *
 * @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_OPTION_INVALID`, `RL_FAILURE_MODE_INVALID`, `RL_TIMEOUT_INVALID`,
 *   `RL_DENIAL_CACHE_INVALID`, `RL_LIVE_LIMITS_INVALID`, `RL_INSTANCES_INVALID`
 */
export function checkOptions(options: RateLimitModuleOptions): void {
  const extra = EXTRAS.find((name) => name in options);
  if (extra !== undefined) {
    // forRoot() takes these out; only what a factory returns still has them.
    throw new RateLimitError(
      'RL_OPTION_UNKNOWN',
      `put ${extra} beside useFactory, not into the options that it returns`,
    );
  }
  // The others are taken out by now; the error is to name them all.
  checkKnownKeys(options, [...MODULE_KEYS, ...EXTRAS], 'RateLimitModule.forRoot()');
  checkBoolean('enabled', options.enabled);
  checkBoolean('shadowHeaders', options.shadowHeaders);
  const { headers } = options;
  if (headers !== undefined && !headerProfiles.includes(headers)) {
    throw invalid(`headers must be one of ${headerProfiles.join(', ')}`, headers);
  }
  checkPolicies(options.policies);
  if (options.default !== undefined && !Array.isArray(options.default)) {
    throw invalid("default must be a list of policies, like ['burst']", options.default);
  }
  checkStoreOptions(options);
}

/**
 * Checks what is known of `forRootAsync()` before its factory runs.
 *
 * @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_OPTION_INVALID`
 */
export function checkAsyncOptions(options: object): void {
  if (!isRecord(options)) {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `forRootAsync() takes an object with useFactory, useClass or useExisting, got ${kindOf(options)}`,
    );
  }
  const misplaced = Object.keys(options).find((name) => MODULE_KEYS.includes(name));
  if (misplaced !== undefined) {
    throw new RateLimitError(
      'RL_OPTION_UNKNOWN',
      `put ${misplaced} into the options that useFactory returns, not beside it`,
    );
  }
  checkKnownKeys(options, [...ASYNC_KEYS, ...EXTRAS], 'RateLimitModule.forRootAsync()');
  const { useFactory, useClass, useExisting } = options as Record<string, unknown>;
  if (useFactory === undefined && useClass === undefined && useExisting === undefined) {
    throw new RateLimitError('RL_OPTION_INVALID', 'forRootAsync() needs useFactory, useClass or useExisting, got none');
  }
  if (useFactory !== undefined && typeof useFactory !== 'function') {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `useFactory must be a function that returns the options, got ${kindOf(useFactory)}`,
    );
  }
}

/**
 * The options that a class of `useClass` or `useExisting` makes.
 *
 * @throws RateLimitError `RL_OPTION_INVALID` if it has no `createRateLimitOptions()`
 */
export function createdOptions(
  from: { createRateLimitOptions?(): RateLimitModuleOptions | Promise<RateLimitModuleOptions> } | undefined,
): RateLimitModuleOptions | Promise<RateLimitModuleOptions> {
  if (typeof from?.createRateLimitOptions === 'function') return from.createRateLimitOptions();
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `useClass and useExisting need a class with createRateLimitOptions(), got ${kindOf(from)}`,
  );
}

/**
 * Accepts only true and false: the text 'false' of an environment variable would count as true.
 *
 * @throws RateLimitError `RL_OPTION_INVALID`
 */
export function checkBoolean(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  const hint = typeof value === 'string' ? `; compare the text yourself, as in ${name}: text === 'true'` : '';
  throw new RateLimitError('RL_OPTION_INVALID', `${name} must be true or false, got ${shown(value)}${hint}`);
}
