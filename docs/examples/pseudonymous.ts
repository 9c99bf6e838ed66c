import { createHmac } from 'node:crypto';
import type { KeyResolver } from 'nestjs-redis-rate-limit';

/** The same callers as another key tells apart, as text that says who they are only to those who have the secret. */
export function pseudonymous(resolver: KeyResolver, secret: string): KeyResolver {
  const resolve: KeyResolver = async (context, request, settings) => {
    const key = await resolver(context, request, settings);
    return key === undefined ? undefined : createHmac('sha256', secret).update(String(key)).digest('base64url');
  };
  return Object.assign(resolve, { phase: resolver.phase });
}
