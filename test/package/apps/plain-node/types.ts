import { createLimiter, type Decision } from 'nestjs-redis-rate-limit/engine';

export async function ask(): Promise<Decision> {
  const limiter = await createLimiter({ policies: { mail: { limit: 2, window: '1h' } } });
  return limiter.consume('mail', 'tenant:acme');
}
