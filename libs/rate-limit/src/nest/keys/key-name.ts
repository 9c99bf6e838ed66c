import type { KeyResolver } from './key-resolver.js';

/** Symbol.for, so that the ES module and the CommonJS copy of this package read each other's. */
const NAME = Symbol.for('nestjs-redis-rate-limit/key-name');

/**
 * Gives a resolver of this library the name that messages show. A minifier may have changed the function's own name.
 */
export const named = <K extends KeyResolver>(name: string, resolver: K): K =>
  Object.defineProperty(resolver, NAME, { value: name });

/** The name that messages show for a resolver of this library; `undefined` for other resolvers. */
export const keyName = (resolver: KeyResolver): string | undefined => (resolver as { [NAME]?: string })[NAME];
