import { appendMetadata } from './metadata.js';

export const SKIPPED_POLICIES = Symbol.for('nestjs-redis-rate-limit/skipped');

/** Stands for every policy. */
export const ALL_POLICIES = Symbol.for('nestjs-redis-rate-limit/all');

/**
 * Takes a handler, or every handler of a controller, out of the policies named, or of all when none is. What is added
 * beside it or further in still applies, and so does the module's deny list. A name that nobody defines stops the start
 * (`RL_UNKNOWN_POLICY`).
 *
 * @example `@SkipRateLimit()`, `@SkipRateLimit('burst')`
 */
export const SkipRateLimit = (...names: string[]): MethodDecorator & ClassDecorator =>
  appendMetadata(SKIPPED_POLICIES, names.length > 0 ? names : [ALL_POLICIES], '@SkipRateLimit()');
