import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { rateLimitHealth, RateLimiter, SkipRateLimit } from 'nestjs-redis-rate-limit';
import { CONFIG, type Config } from './config.js';

/**
 * Monitoring must never be denied, whatever the default policies become. While Redis is away the check passes as
 * "degraded": requests are still limited, by each instance alone.
 */
@Controller('health')
@SkipRateLimit()
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly checks: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  @HealthCheck()
  async health() {
    const result = await this.checks.check([() => rateLimitHealth(this.indicators.check('rate-limit'), this.limiter)]);
    return { ...result, store: this.config.redis === undefined ? 'memory' : 'redis' };
  }
}
