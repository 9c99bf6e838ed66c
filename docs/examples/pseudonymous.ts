import { createHmac } from 'node:crypto';
import type { KeyResolver } from 'nestjs-redis-rate-limit';

/** Counts the same callers as `resolver` does, but stores an HMAC: without the secret nobody can tell who they are. */
export function pseudonymous(resolver: KeyResolver, secret: string): KeyResolver {
  const resolve: KeyResolver = async (context, request, settings) => {
    const key = await resolver(context, request, settings);
    if (key === undefined || key === null) return undefined;
    if (typeof key !== 'string') throw new TypeError('pseudonymous() takes a resolver whose keys are text');
    return createHmac('sha256', secret).update(key).digest('base64url');
  };
  return Object.assign(resolve, { phase: resolver.phase });
}
