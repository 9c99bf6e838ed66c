import type { ExecutionContext } from '@nestjs/common';
import { milliseconds, type Duration } from '../core/duration.js';
import { kindOf, RateLimitError, shown } from '../core/errors.js';
import type { Observer } from '../core/observer.js';
import { checkFailureMode, checkKnownKeys, type PolicyDefinition, type StoreFailureMode } from '../core/policy.js';
import type { RateLimitStore } from '../core/store.js';
import { headerProfiles, type HeaderProfile } from '../headers/ratelimit-headers.js';
import type { RedisLocation } from '../stores/redis/connection/location.js';
import { checkTimeout } from '../stores/redis/redis.store.js';
import type { KeyResolver, Phase } from './keys/key-resolver.js';
import type { KeyOptions } from './keys/key-settings.js';
import { LIST_KEYS, type ListOptions } from './lists/lists.js';
import type { ResolveOptions } from './resolve/resolved-policy.js';

/** A value, or how to find it for a request. What the function throws ends the request, and charges nothing. */
export type PerRequest<T> = T | ((context: ExecutionContext) => T | Promise<T>);

/** What one use of a policy may say differently from another. */
export interface PolicyUse extends ListOptions {
  /** Who pays: `byIp` (default), another resolver, or a function of the request. */
  key?: KeyResolver;
  /** Quota units a request spends: a whole number, not negative. Default 1. */
  cost?: PerRequest<number>;
  /** Says of a request that the policy is not for it: then nothing is charged. Default: it is for all. */
  skip?: (context: ExecutionContext) => boolean | Promise<boolean>;
  /** When it is decided: before your guards or after them. Default: as its key needs. */
  phase?: Phase;
}

/** A policy as the catalogue and the decorator take it. */
export interface PolicyOptions extends Omit<PolicyDefinition, 'name' | 'limit'>, PolicyUse, ResolveOptions {
  /** Without one, the policy's quota is the handler's own. */
  name?: string;
  /** The quota per window, in units, or a function of the request that gives it. */
  limit: PerRequest<number>;
}

/** A policy of the catalogue, put to another use on a route: with another key, cost, skip, phase, `allow` or `deny`. */
export interface PolicyReference extends PolicyUse {
  /** The policy's name in the catalogue. */
  name: string;
  /** Never given here: it is the catalogue's. */
  limit?: undefined;
  /** Never given here: it is the catalogue's. */
  window?: undefined;
}

/** What `RateLimitModule.forRoot()` takes, or a factory of `forRootAsync()` returns. docs/options.md has it as a table. */
export interface RateLimitModuleOptions extends ListOptions {
  /**
   * Where quota is kept: a url, ioredis options, `{ nodes, options }` of a Cluster, or a client of ioredis 5 or 6.
   * Without it, in this process's memory. A client you hand in stays yours to close.
   */
  redis?: RedisLocation | undefined;
  /** A store of your own, instead of `redis`. */
  store?: RateLimitStore | undefined;
  /** The catalogue: policies by name. */
  policies?: Record<string, Omit<PolicyOptions, 'name'>> | undefined;
  /** The policies that govern every handler. Default: none. */
  default?: (string | PolicyOptions | PolicyReference)[] | undefined;
  /** Which fields tell clients of their quota. Default `ietf`. */
  headers?: HeaderProfile | undefined;
  /** How clients are told apart. */
  keys?: KeyOptions | undefined;
  /** What policies do that do not say it themselves when the store gives no answer. Default `local`. */
  onStoreFailure?: StoreFailureMode | undefined;
  /**
   * How many instances of the application there are. While the store gives no answer, `local` policies then admit this
   * part of their quota in each. Default 1: all of it.
   */
  instances?: number | undefined;
  /** Told when the store stops answering, and when it answers again. Both are logged anyway. */
  observer?: Observer | undefined;
  /** Begins every stored key. Default `rl`. */
  prefix?: string | undefined;
  /** How long a call to Redis may take, in milliseconds: 1 to 60,000. Default 250. Then `onStoreFailure` decides. */
  timeout?: number | undefined;
  /**
   * For how long a denial by Redis may be told again without asking it, `'1m'` at most: a flood then costs Redis
   * nothing, and what another instance gives back or resets is seen that much later. `false`: always ask. Default `'1s'`.
   */
  denialCache?: Duration | false | undefined;
  /**
   * How often an instance looks whether limits were changed (`RateLimiter.limits`), `'100ms'` to `'1m'`: one `HGET`.
   * `false`: never, and they cannot be. Default `'1s'`.
   */
  liveLimits?: Duration | false | undefined;
}

export const MODULE_KEYS = [
  'redis',
  'store',
  'policies',
  'default',
  'headers',
  'keys',
  'onStoreFailure',
  'instances',
  'observer',
  'prefix',
  'timeout',
  'denialCache',
  'liveLimits',
  ...LIST_KEYS,
];

/** Longer than that nobody should have to wait for what was given back. */
const LONGEST_DENIAL_CACHE = 60_000;

/**
 * What can be said of the options before anything is opened. Policies are checked with the handlers that use them.
 *
 * @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_OPTION_INVALID`, `RL_FAILURE_MODE_INVALID`, `RL_TIMEOUT_INVALID`,
 *   `RL_DENIAL_CACHE_INVALID`, `RL_LIVE_LIMITS_INVALID`, `RL_INSTANCES_INVALID`
 */
export function checkOptions(options: RateLimitModuleOptions): void {
  if (typeof options !== 'object' || options === null) throw noOptions(options);
  const extra = ['guard', 'isGlobal'].find((name) => name in options);
  if (extra !== undefined) {
    // forRoot() takes these out; only a factory's answer still has them.
    throw new RateLimitError('RL_OPTION_UNKNOWN', `${extra} stands beside useFactory, not in what it returns`);
  }
  checkKnownKeys(options, MODULE_KEYS, 'RateLimitModule.forRoot()');
  const { headers, store, redis, policies, prefix, onStoreFailure, timeout } = options;
  if (headers !== undefined && !headerProfiles.includes(headers)) {
    throw invalid(`headers must be one of ${headerProfiles.join(', ')}`, headers);
  }
  if (store !== undefined && redis !== undefined) throw invalid('give redis or store, not both', Object.keys(options));
  if (store !== undefined && (typeof store?.consume !== 'function' || typeof store.reset !== 'function')) {
    throw new RateLimitError('RL_OPTION_INVALID', `store must have consume() and reset(), got ${kindOf(store)}`);
  }
  if (prefix !== undefined && typeof prefix !== 'string') throw invalid('prefix must be text', prefix);
  if (policies !== undefined && !isRecord(policies)) {
    throw invalid('policies must be an object: the policies by name', policies);
  }
  if (options.default !== undefined && !Array.isArray(options.default)) {
    throw invalid('default must be a list of policies', options.default);
  }
  checkObserver(options.observer);
  if (onStoreFailure !== undefined) checkFailureMode(onStoreFailure);
  if (timeout !== undefined) checkTimeout(timeout);
  checkInstances(options.instances);
  denialCacheOf(options);
  liveLimitsOf(options);
}

/** @throws RateLimitError `RL_OPTION_INVALID` for what Nest would take for no options at all */
export function checkRecord(options: unknown): void {
  if (!isRecord(options)) throw noOptions(options);
}

const noOptions = (value: unknown): RateLimitError =>
  new RateLimitError('RL_OPTION_INVALID', `RateLimitModule takes an object of options, got ${kindOf(value)}`);

/** What says by its own keys what it holds: a literal, and of other objects none that would pass as empty, as a Map. */
function isRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null || Object.keys(value).length > 0;
}

function checkObserver(observer: unknown): void {
  if (observer === undefined) return;
  if (typeof observer !== 'object' || observer === null) {
    throw invalid('observer must be an object with storeFailed() or storeAnswers()', observer);
  }
  for (const name of ['storeFailed', 'storeAnswers']) {
    const method = (observer as Record<string, unknown>)[name];
    if (method !== undefined && typeof method !== 'function') {
      throw invalid(`observer.${name} must be a function`, method);
    }
  }
}

function checkInstances(instances: unknown): void {
  if (instances === undefined || (Number.isSafeInteger(instances) && (instances as number) >= 1)) return;
  throw new RateLimitError(
    'RL_INSTANCES_INVALID',
    `instances must be a whole number, at least 1: how many of the application run, got ${shown(instances)}`,
  );
}

/**
 * For how long denials are remembered, in milliseconds; `undefined`: not at all.
 *
 * @throws RateLimitError `RL_DENIAL_CACHE_INVALID`
 */
export function denialCacheOf({ denialCache = '1s' }: RateLimitModuleOptions): number | undefined {
  if (denialCache === false) return undefined;
  try {
    const maxAge = milliseconds(denialCache);
    if (maxAge <= LONGEST_DENIAL_CACHE) return maxAge;
  } catch {
    // Said below, in words that fit.
  }
  throw new RateLimitError(
    'RL_DENIAL_CACHE_INVALID',
    `denialCache must be a span from 1 ms to 60 s, like '1s', or false to ask Redis every time, got ${shown(denialCache)}`,
  );
}

/**
 * How often it is looked whether limits were changed, in milliseconds; `undefined`: they cannot be.
 *
 * @throws RateLimitError `RL_LIVE_LIMITS_INVALID`
 */
export function liveLimitsOf({ liveLimits = '1s' }: RateLimitModuleOptions): number | undefined {
  if (liveLimits === false) return undefined;
  try {
    const every = milliseconds(liveLimits);
    if (every >= 100 && every <= 60_000) return every;
  } catch {
    // Said below, in words that fit.
  }
  throw new RateLimitError(
    'RL_LIVE_LIMITS_INVALID',
    `liveLimits must be a span from 100 ms to 60 s, like '1s', or false if limits never change, got ${shown(liveLimits)}`,
  );
}

const invalid = (rule: string, value: unknown): RateLimitError =>
  new RateLimitError('RL_OPTION_INVALID', `${rule}, got ${shown(value)}`);
