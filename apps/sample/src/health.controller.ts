import { Controller, Get, Inject } from '@nestjs/common';
import { SkipRateLimit } from 'nestjs-redis-rate-limit';
import { CONFIG, type Config } from './config.js';

/** Whoever watches the application must never be turned away, whatever becomes the default policy one day. */
@Controller('health')
@SkipRateLimit()
export class HealthController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Get()
  health() {
    return { status: 'ok', store: this.config.redis === undefined ? 'memory' : 'redis' };
  }
}
