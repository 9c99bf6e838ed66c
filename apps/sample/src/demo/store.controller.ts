import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { RateLimiter } from 'nestjs-redis-rate-limit';
import { StoreHealth } from './store-health.js';

@Controller('demo/store')
@ApiExcludeController()
export class StoreController {
  constructor(
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(StoreHealth) private readonly health: StoreHealth,
  ) {}

  /** Asks for a quota that nobody spends: what fails or comes back is heard of when somebody asks. */
  @Get()
  @Header('Cache-Control', 'no-store')
  async store() {
    const asked = performance.now();
    const decision = await this.limiter.peek('ping', 'demo:probe');
    const took = performance.now() - asked;
    return { ...this.health.state, decidedBy: this.health.deciderOf(decision), took };
  }
}
