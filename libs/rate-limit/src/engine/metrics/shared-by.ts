/**
 * What all limiters of a process share about one registry or meter provider. An application may load this package twice, as
 * an ES module and as CommonJS, so it is kept beside both.
 */
export function sharedBy<T>(host: object, purpose: string, make: () => T): T {
  const place = Symbol.for(`nestjs-redis-rate-limit/${purpose}`);
  const known = ((globalThis as Record<symbol, unknown>)[place] ??= new WeakMap()) as WeakMap<object, T>;
  const shared = known.get(host) ?? make();
  known.set(host, shared);
  return shared;
}
