import type { Duration } from '../core/duration.js';
import type { LiveMode } from '../core/limit-book.js';
import type { Observer } from '../core/observer.js';
import type { ConcurrencyDefinition, PolicyDefinition, StoreFailureMode } from '../core/policy.js';
import type { RateLimitStore } from '../core/store.js';
import type { RedisLocation } from '../stores/redis/connection/location.js';
import type { ListOptions } from './lists/lists.js';
import type { MetricsOptions } from './metrics/options.js';
import type { LogDenials } from './observer/denial-log.js';
import type { LimiterLogger } from './observer/logger.js';

/** Where quota is kept, and what happens when that fails: options of both a limiter and the Nest module. */
export interface StoreOptions extends ListOptions, MetricsOptions {
  /**
   * Where quota is kept: a url, ioredis options, `{ nodes, options }` of a Cluster, or a client of ioredis 5 or 6.
   * Without it, in this process's memory. A client that you pass is not closed for you.
   */
  redis?: RedisLocation | undefined;
  /**
   * `shadow`: policies without a `mode` of their own, and the lists of these options, only report what they would deny.
   * Default `enforce`.
   */
  mode?: LiveMode | undefined;
  /** A custom store, instead of `redis`. */
  store?: RateLimitStore | undefined;
  /** What policies without their own `onStoreFailure` do while the store does not answer. Default `local`. */
  onStoreFailure?: StoreFailureMode | undefined;
  /**
   * How many instances of the application there are. While the store does not answer, each of them admits its share of
   * the quota of `local` policies. Default 1: each admits all of it.
   */
  instances?: number | undefined;
  /** Receives events: decisions, blocks, limits that change, outages of the store. Outages are logged anyway. */
  observer?: Observer | undefined;
  /**
   * Logs what was denied, in one entry for each span: `{ every: '10s' }`. It names each policy, the reasons, and the callers
   * that were denied most, as digests of their keys. Default: off.
   */
  logDenials?: LogDenials | undefined;
  /** Begins every stored key. Default `rl`. */
  prefix?: string | undefined;
  /** How long a call to Redis may take, in milliseconds: 1 to 60,000. Default 250. Then `onStoreFailure` decides. */
  timeout?: number | undefined;
  /**
   * How long a denial by Redis may be repeated without asking Redis, `'1m'` at most: a flood then costs Redis nothing,
   * and what another instance gives back or resets is seen that much later. `false`: always ask. Default `'1s'`.
   */
  denialCache?: Duration | false | undefined;
  /**
   * How often an instance checks whether limits were changed (`limits`), `'100ms'` to `'1m'`: one `HGET`. `false`:
   * never, and limits cannot be changed. Default `'1s'`.
   */
  liveLimits?: Duration | false | undefined;
}

/** A policy of a limiter's catalogue with a quota per window. Its name is its key there. */
export interface LimiterPolicy extends Omit<PolicyDefinition, 'name'>, ListOptions {}

/** A policy of a limiter's catalogue that limits how many requests run at the same time. Its name is its key there. */
export interface LimiterConcurrency extends Omit<ConcurrencyDefinition, 'name'>, ListOptions {}

/** What `createLimiter()` takes. */
export interface LimiterOptions extends StoreOptions {
  /** The catalogue: policies by name. */
  policies?: Record<string, LimiterConcurrency | LimiterPolicy> | undefined;
  /** How keys are written. */
  keys?:
    | {
        /** As in the Nest application whose quotas these are: 32 to 128, default 64. */
        ipv6Prefix?: number | undefined;
      }
    | undefined;
  /** Where warnings and errors go. Default: `console.warn` and `console.error`; other messages are dropped. */
  logger?: LimiterLogger | undefined;
}
