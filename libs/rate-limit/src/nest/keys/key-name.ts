import type { KeyResolver } from './key-resolver.js';

/** Symbol.for, so that the ES module and the CommonJS copy of this package read each other's. */
const NAME = Symbol.for('nestjs-redis-rate-limit/key-name');

/** Writes on a resolver of this library what messages call it. Its own name may be a minifier's. */
export const named = <K extends KeyResolver>(name: string, resolver: K): K =>
  Object.defineProperty(resolver, NAME, { value: name });

/** What messages call a resolver of this library; `undefined` for another one. */
export const keyName = (resolver: KeyResolver): string | undefined => (resolver as { [NAME]?: string })[NAME];
