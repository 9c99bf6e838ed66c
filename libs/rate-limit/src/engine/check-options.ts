import { HOUR, milliseconds, SECOND } from '../core/duration.js';
import { kindOf, shown, shownNumber } from '../core/shown.js';
import { checkKnownKeys, checkOneOf, checkTimeout } from '../core/checks.js';
import { RateLimitError } from '../core/errors.js';
import { EVENTS } from '../core/observer.js';
import { checkFailureMode } from '../core/policy.js';
import { checkIpv6Prefix } from './identity/ip-key.js';
import { LIST_KEYS } from './lists/lists.js';
import { checkMetricsOptions, METRICS_KEYS } from './metrics/options.js';
import type { LogDenials } from './observer/denial-log.js';
import type { LimiterOptions, StoreOptions } from './options.js';

export const STORE_KEYS = [
  'redis',
  'store',
  'onStoreFailure',
  'instances',
  'mode',
  'observer',
  'logDenials',
  'prefix',
  'timeout',
  'denialCache',
  'liveLimits',
  ...LIST_KEYS,
  ...METRICS_KEYS,
];

/** In milliseconds. A quota that was given back must be seen after this time at the latest. */
const LONGEST_DENIAL_CACHE = 60_000;

/**
 * Checks the options of `createLimiter()`, as far as that is possible before anything is opened. The catalogue checks the
 * policies.
 *
 * @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_KEYS_INVALID`, and as {@link checkStoreOptions} does
 */
export function checkLimiterOptions(options: LimiterOptions): void {
  if (!isRecord(options)) {
    throw new RateLimitError('RL_OPTION_INVALID', `createLimiter() takes an object of options, got ${kindOf(options)}`);
  }
  checkKnownKeys(options, [...STORE_KEYS, 'policies', 'keys', 'logger'], 'createLimiter()');
  checkStoreOptions(options);
  checkPolicies(options.policies);
  checkKeys(options.keys);
  const { logger } = options;
  for (const method of logger === undefined ? [] : (['log', 'warn', 'error'] as const)) {
    if (typeof logger?.[method] !== 'function') throw invalid('logger must have log(), warn() and error()', logger);
  }
}

/**
 * @throws RateLimitError `RL_OPTION_INVALID`, `RL_FAILURE_MODE_INVALID`, `RL_TIMEOUT_INVALID`, `RL_DENIAL_CACHE_INVALID`,
 *   `RL_LIVE_LIMITS_INVALID`, `RL_INSTANCES_INVALID`, `RL_LOG_DENIALS_INVALID`
 */
export function checkStoreOptions(options: StoreOptions): void {
  const { store, redis, prefix, onStoreFailure, timeout } = options;
  if (store !== undefined && redis !== undefined) throw invalid('give redis or store, not both', Object.keys(options));
  if (store !== undefined && (typeof store?.consume !== 'function' || typeof store.reset !== 'function')) {
    throw new RateLimitError('RL_OPTION_INVALID', `store must have consume() and reset(), got ${kindOf(store)}`);
  }
  if (prefix !== undefined && typeof prefix !== 'string') throw invalid('prefix must be text', prefix);
  // A Cluster ignores an empty hash tag, and the first tag hides those of the keys.
  if (prefix !== undefined && /^[^{]*\{\}/.test(prefix)) {
    throw invalid("prefix must not have an empty hash tag; write '{rl}', or leave the braces out", prefix);
  }
  if (options.mode !== undefined) checkOneOf(options.mode, ['enforce', 'shadow'], 'RL_MODE_INVALID', 'mode');
  checkObserver(options.observer);
  if (options.logDenials !== undefined) checkLogDenials(options.logDenials);
  checkMetricsOptions(options);
  if (onStoreFailure !== undefined) checkFailureMode(onStoreFailure);
  if (timeout !== undefined) checkTimeout(timeout);
  checkInstances(options.instances);
  denialCacheOf(options);
  liveLimitsOf(options);
}

/** @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_KEYS_INVALID` */
function checkKeys(keys: LimiterOptions['keys']): void {
  if (keys === undefined) return;
  checkKnownKeys(keys, ['ipv6Prefix'], 'keys');
  if (keys.ipv6Prefix !== undefined) checkIpv6Prefix(keys.ipv6Prefix);
}

/** @throws RateLimitError `RL_OPTION_INVALID` */
export function checkPolicies(policies: unknown): void {
  if (policies !== undefined && !isRecord(policies)) {
    throw invalid("policies must be an object, like { login: { limit: 5, window: '1m' } }", policies);
  }
}

/**
 * Whether a value is an object literal, or another object with keys of its own. An object without them, such as a Map,
 * would look empty.
 */
export function isRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null || Object.keys(value).length > 0;
}

/**
 * How long denials are remembered, in milliseconds; `undefined`: not at all.
 *
 * @throws RateLimitError `RL_DENIAL_CACHE_INVALID`
 */
export function denialCacheOf({ denialCache = '1s' }: StoreOptions): number | undefined {
  if (denialCache === false) return undefined;
  const maxAge = spanOf(denialCache);
  if (maxAge !== undefined && maxAge <= LONGEST_DENIAL_CACHE) return maxAge;
  throw new RateLimitError(
    'RL_DENIAL_CACHE_INVALID',
    `denialCache must be a span from 1 ms to 60 s, like '1s', or false to ask Redis every time, got ${shown(denialCache)}`,
  );
}

/**
 * How often an instance checks whether limits were changed, in milliseconds; `undefined`: they cannot be changed.
 *
 * @throws RateLimitError `RL_LIVE_LIMITS_INVALID`
 */
export function liveLimitsOf({ liveLimits = '1s' }: StoreOptions): number | undefined {
  if (liveLimits === false) return undefined;
  const every = spanOf(liveLimits);
  if (every !== undefined && every >= 100 && every <= 60_000) return every;
  throw new RateLimitError(
    'RL_LIVE_LIMITS_INVALID',
    `liveLimits must be a span from 100 ms to 60 s, like '1s', or false if limits never change, got ${shown(liveLimits)}`,
  );
}

/** `undefined` for a value that is not a span: the caller then throws its own error. */
function spanOf(value: Parameters<typeof milliseconds>[0]): number | undefined {
  try {
    return milliseconds(value);
  } catch {
    return undefined;
  }
}

function checkObserver(observer: unknown): void {
  if (observer === undefined) return;
  if (typeof observer !== 'object' || observer === null) {
    throw invalid('observer must be an object with methods such as decided() or storeFailed()', observer);
  }
  if (!EVENTS.some((name) => name in observer)) {
    throw invalid(`observer has none of ${EVENTS.map((name) => `${name}()`).join(', ')}`, observer);
  }
  for (const name of EVENTS) {
    const method = (observer as Record<string, unknown>)[name];
    if (method !== undefined && typeof method !== 'function') {
      throw invalid(`observer.${name} must be a function`, method);
    }
  }
}

/** @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_LOG_DENIALS_INVALID` */
function checkLogDenials(logDenials: LogDenials): void {
  if (typeof logDenials !== 'object' || logDenials === null || Array.isArray(logDenials)) {
    throw new RateLimitError(
      'RL_LOG_DENIALS_INVALID',
      `logDenials must be an object like { every: '10s' }, got ${shown(logDenials)}; leave it out to log no denials`,
    );
  }
  checkKnownKeys(logDenials, ['every', 'keys'], 'logDenials');
  const { every, keys = 'hashed' } = logDenials;
  checkOneOf(keys, ['hashed', 'plain'], 'RL_LOG_DENIALS_INVALID', 'keys of logDenials');
  const span = spanOf(every);
  if (span !== undefined && span >= SECOND && span <= HOUR) return;
  throw new RateLimitError(
    'RL_LOG_DENIALS_INVALID',
    `every of logDenials must be a span from 1 s to 1 h, like '10s', got ${shown(every)}`,
  );
}

function checkInstances(instances: unknown): void {
  if (instances === undefined || (Number.isSafeInteger(instances) && (instances as number) >= 1)) return;
  throw new RateLimitError(
    'RL_INSTANCES_INVALID',
    `instances must be the number of instances of the application, a whole number of at least 1, got ${shownNumber(instances)}`,
  );
}

export const invalid = (rule: string, value: unknown): RateLimitError =>
  new RateLimitError('RL_OPTION_INVALID', `${rule}, got ${shown(value)}`);
