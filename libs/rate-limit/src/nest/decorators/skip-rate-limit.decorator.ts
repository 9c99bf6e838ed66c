import { appendMetadata } from './metadata.js';

export const SKIPPED_POLICIES = Symbol.for('nestjs-redis-rate-limit/skipped');

/** Stands for every policy. */
export const ALL_POLICIES = Symbol.for('nestjs-redis-rate-limit/all');

/**
 * Exempts a handler, or every handler of a controller, from the named policies, or from all policies if no name is
 * given. Policies that the same class or method adds, or a method of the class, still apply, and so does the module's
 * deny list. A name that is not defined stops the start (`RL_UNKNOWN_POLICY`).
 *
 * @example `@SkipRateLimit()`, `@SkipRateLimit('burst')`
 */
export const SkipRateLimit = (...names: string[]): MethodDecorator & ClassDecorator =>
  appendMetadata(SKIPPED_POLICIES, names.length > 0 ? names : [ALL_POLICIES], '@SkipRateLimit()');
