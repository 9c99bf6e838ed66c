import type { ExecutionContext } from '@nestjs/common';
import type { ConcurrencyDefinition, PolicyDefinition } from '../core/policy.js';
import type { ListOptions } from '../engine/lists/lists.js';
import type { StoreOptions } from '../engine/options.js';
import type { HeaderProfile } from '../headers/ratelimit-headers.js';
import type { Settle } from './ending/call-outcome.js';
import type { Count } from './ending/final-cost.js';
import type { KeyResolver, Phase } from './keys/key-resolver.js';
import type { KeyOptions } from './keys/key-settings.js';
import type { ResolveOptions } from './resolve/resolved-policy.js';

/**
 * A value, or a function of the request that returns it. If the function throws, the request ends and nothing is
 * charged.
 */
export type PerRequest<T> = T | ((context: ExecutionContext) => T | Promise<T>);

/** The options that each use of a policy can set differently. */
export interface PolicyUse extends ListOptions {
  /** Who pays: `byIp` (default), another resolver, or a function of the request. */
  key?: KeyResolver;
  /** Quota units a request spends: a whole number, not negative. Default 1. */
  cost?: PerRequest<number>;
  /**
   * Which calls count: `'failures'`, `'successes'`, or a function of how a call ended. Every call is charged before it
   * begins, so that parallel calls cannot slip through; the others get their charge back when they have ended. A client
   * that disconnects counts in both cases, and a call that a later guard refuses counts as a failure.
   */
  count?: Count;
  /**
   * What a call really used, in units: a function of how it ended, such as `llmUsage()`. `cost` is the estimate that is
   * charged before the call begins.
   */
  settle?: Settle;
  /** Returns true for requests that the policy does not limit: nothing is charged. Default: it limits all requests. */
  skip?: (context: ExecutionContext) => boolean | Promise<boolean>;
  /**
   * When it is decided: `'early'`, before your guards, or `'late'`, after them. Default: the phase of its key. With
   * your own `key` or `resolve` function: early, unless that reads `request.user` before a guard has set it.
   */
  phase?: Phase;
  /** `'handler'`: each handler has its own quota. Default: all handlers that use the policy share one. */
  per?: 'handler';
}

/**
 * A policy of the catalogue with other options on a route: another key, cost, skip, phase, `allow` or `deny`. With
 * numbers, such as a `limit`, it replaces the policy on the route: fields you leave out keep the catalogue's values,
 * and each handler has its own quota.
 */
export interface PolicyReference extends PolicyUse, Partial<Omit<PolicyDefinition, 'name' | 'limit'>> {
  /** The policy's name in the catalogue. */
  name: string;
  /** The quota per window of this route, or a function of the request that returns it. */
  limit?: PerRequest<number>;
}

/**
 * A policy that limits how many requests run at the same time, as the catalogue and the decorator take it. It has no
 * window, and each request costs 1.
 *
 * @example `@RateLimit({ algorithm: 'concurrency', limit: 5, key: byUser })`
 */
export interface ConcurrencyOptions
  extends Omit<ConcurrencyDefinition, 'name' | 'limit'>, Omit<PolicyUse, 'cost' | 'count' | 'settle'>, ResolveOptions {
  /** Without a name, each handler has its own quota. */
  name?: string;
  /** How many requests may run at the same time, or a function of the request that returns it. */
  limit: PerRequest<number>;
}

// Last in the unions, and ConcurrencyOptions first: TypeScript's error names the missing property of the last type, which is
// more often a window than a name or an algorithm.

/** A policy with a quota per window, as the catalogue and the decorator take it. */
export interface PolicyOptions extends Omit<PolicyDefinition, 'name' | 'limit'>, PolicyUse, ResolveOptions {
  /** Without a name, each handler has its own quota. */
  name?: string;
  /** The quota per window, in units, or a function of the request that returns it. */
  limit: PerRequest<number>;
}

/**
 * What `RateLimitModule.forRoot()` takes, or a factory of `forRootAsync()` returns. docs/options.md lists all options.
 */
export interface RateLimitModuleOptions extends StoreOptions {
  /**
   * Whether anything is limited. With false every request passes, also callers on deny lists, no connection is opened,
   * and `RateLimiter` admits everything. Mistakes in the options and on handlers still stop the start. Default true.
   */
  enabled?: boolean | undefined;
  /** The catalogue: policies by name. */
  policies?: Record<string, Omit<ConcurrencyOptions, 'name'> | Omit<PolicyOptions, 'name'>> | undefined;
  /** The policies that govern every handler. Default: none. */
  default?: readonly (string | ConcurrencyOptions | PolicyReference | PolicyOptions)[] | undefined;
  /** Which header fields report the quota to clients. Default `ietf`. */
  headers?: HeaderProfile | undefined;
  /** Whether the header fields also report policies in shadow. Clients then obey them. Default false. */
  shadowHeaders?: boolean | undefined;
  /** How callers are identified. */
  keys?: KeyOptions | undefined;
}
