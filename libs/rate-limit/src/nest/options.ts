import type { ExecutionContext } from '@nestjs/common';
import type { PolicyDefinition } from '../core/policy.js';
import type { ListOptions } from '../engine/lists/lists.js';
import type { StoreOptions } from '../engine/options.js';
import type { HeaderProfile } from '../headers/ratelimit-headers.js';
import type { KeyResolver, Phase } from './keys/key-resolver.js';
import type { KeyOptions } from './keys/key-settings.js';
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
  /**
   * When it is decided: `'early'`, before your guards, or `'late'`, after them. Default: as its key needs. With a `key` or
   * `resolve` function of yours: early, unless that reads `request.user` before a guard has set it.
   */
  phase?: Phase;
  /** `'handler'`: each handler has a quota of its own. Default: all handlers that name the policy share one. */
  per?: 'handler';
}

/**
 * A policy of the catalogue, put to another use on a route: with another key, cost, skip, phase, `allow` or `deny`. With
 * numbers, as a `limit`, it takes the policy's place on the route: what is left out is the catalogue's, and each handler
 * has a quota of its own.
 */
export interface PolicyReference extends PolicyUse, Partial<Omit<PolicyDefinition, 'name' | 'limit'>> {
  /** The policy's name in the catalogue. */
  name: string;
  /** The quota per window of this route, or a function of the request that gives it. */
  limit?: PerRequest<number>;
}

// Below the other: TypeScript names what is missing of the last one, and that is a window more often than a name.

/** A policy as the catalogue and the decorator take it. */
export interface PolicyOptions extends Omit<PolicyDefinition, 'name' | 'limit'>, PolicyUse, ResolveOptions {
  /** Without one, the policy's quota is the handler's own. */
  name?: string;
  /** The quota per window, in units, or a function of the request that gives it. */
  limit: PerRequest<number>;
}

/** What `RateLimitModule.forRoot()` takes, or a factory of `forRootAsync()` returns. docs/options.md has it as a table. */
export interface RateLimitModuleOptions extends StoreOptions {
  /**
   * Whether anything is limited. With false every request passes, deny lists included, no connection is opened, and
   * `RateLimiter` admits everything. Mistakes in the options and on handlers still stop the start. Default true.
   */
  enabled?: boolean | undefined;
  /** The catalogue: policies by name. */
  policies?: Record<string, Omit<PolicyOptions, 'name'>> | undefined;
  /** The policies that govern every handler. Default: none. */
  default?: readonly (string | PolicyReference | PolicyOptions)[] | undefined;
  /** Which fields tell clients of their quota. Default `ietf`. */
  headers?: HeaderProfile | undefined;
  /** How clients are told apart. */
  keys?: KeyOptions | undefined;
}
