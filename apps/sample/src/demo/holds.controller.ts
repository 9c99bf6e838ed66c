import { Controller, Get, Header, Headers, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { RateLimiter, StoreUnavailableError } from 'nestjs-redis-rate-limit';
import { visitorIn } from './playground-policy.js';

/** What a visitor has left, and what requests that have not ended hold of it. On the page the visitor is the tenant. */
@Controller('demo/holds')
@ApiExcludeController()
export class HoldsController {
  constructor(@Inject(RateLimiter) private readonly limiter: RateLimiter) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  async holds(@Headers('x-visitor') visitor: string | undefined) {
    const key = `header.x-tenant-id:${visitorIn(visitor)}`;
    const [tokens, uploads] = await Promise.all([this.look('tokens', key), this.look('uploads', key)]);
    return { tokens, uploads };
  }

  private async look(policy: string, key: string) {
    const [{ limit, remaining }, holds] = await Promise.all([
      this.limiter.peek(policy, key),
      this.limiter.holds(policy, key).catch(unlessAway),
    ]);
    return { limit, remaining, holds };
  }
}

/** While Redis is away, nobody knows what all instances hold. */
function unlessAway(error: unknown): null {
  if (error instanceof StoreUnavailableError) return null;
  throw error;
}
