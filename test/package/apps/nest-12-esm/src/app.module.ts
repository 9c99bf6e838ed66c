import { Controller, Get, Module } from '@nestjs/common';
import { RateLimit, RateLimitModule } from 'nestjs-redis-rate-limit';

@Controller()
class PingController {
  @Get()
  @RateLimit({ limit: 2, window: '1m' })
  ping(): string {
    return 'pong';
  }
}

// Without REDIS_URL: memory. The timeout is for a busy machine: these tests are not about it.
const { REDIS_URL: redis, PREFIX: prefix } = process.env;

@Module({ imports: [RateLimitModule.forRoot({ redis, prefix, timeout: 10_000 })], controllers: [PingController] })
export class AppModule {}
