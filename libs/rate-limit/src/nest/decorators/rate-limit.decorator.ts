import type { ConcurrencyOptions, PolicyOptions, PolicyReference } from '../options.js';
import { appendMetadata } from './metadata.js';

export const RATE_LIMIT_POLICIES = Symbol.for('nestjs-redis-rate-limit/policies');

/**
 * Limits a handler, or every handler of a controller, by policies of the catalogue or by new ones. They are added to
 * the default policies, and those of a method to those of its controller.
 *
 * A policy without a name has one quota for each handler. A policy with a name has one quota for all handlers that use
 * it. With numbers beside a name of the catalogue, the handler has these numbers and its own quota:
 * `@RateLimit({ name: 'burst', limit: 100 })`.
 *
 * Checked when the application starts. A mistake stops the start with a `RateLimitError` that names the handler, such
 * as `RL_UNKNOWN_POLICY`, `RL_POLICY_CONFLICT`, or `RL_NOT_A_ROUTE` for a method that no HTTP request reaches.
 *
 * @example `@RateLimit('login', { limit: 5, window: '1m', key: byUser })`
 */
export const RateLimit = (
  ...policies: (string | ConcurrencyOptions | PolicyReference | PolicyOptions)[]
): MethodDecorator & ClassDecorator =>
  // Without a policy it would do nothing. The boot refuses it, because the handler's name is known there.
  appendMetadata(RATE_LIMIT_POLICIES, policies.length > 0 ? policies : [undefined], '@RateLimit()');
