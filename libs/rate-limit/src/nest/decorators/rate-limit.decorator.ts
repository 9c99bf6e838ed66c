import type { PolicyOptions, PolicyReference } from '../options.js';
import { appendMetadata } from './metadata.js';

export const RATE_LIMIT_POLICIES = Symbol.for('nestjs-redis-rate-limit/policies');

/**
 * Limits a handler, or every handler of a controller, by policies of the catalogue or spelled out. They add to the
 * default ones, and a method's to its controller's.
 *
 * A policy without a name is the handler's own; naming it shares its quota with every route that names it. With numbers
 * beside the name, the handler has these numbers and a quota of its own: `@RateLimit({ name: 'burst', limit: 100 })`.
 *
 * Checked when the application starts: a mistake stops the start with a `RateLimitError` that names the handler, as
 * `RL_UNKNOWN_POLICY`, `RL_POLICY_CONFLICT`, or `RL_NOT_A_ROUTE` where no HTTP request arrives.
 *
 * @example `@RateLimit('login', { limit: 5, window: '1m', key: byUser })`
 */
export const RateLimit = (
  ...policies: (string | PolicyReference | PolicyOptions)[]
): MethodDecorator & ClassDecorator =>
  // Without a policy it would do nothing: found out at boot, where the handler's name is known.
  appendMetadata(RATE_LIMIT_POLICIES, policies.length > 0 ? policies : [undefined], '@RateLimit()');
