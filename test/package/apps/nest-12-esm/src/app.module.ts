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

// Without REDIS_URL: memory.
const { REDIS_URL: redis, PREFIX: prefix } = process.env;

@Module({ imports: [RateLimitModule.forRoot({ redis, prefix })], controllers: [PingController] })
export class AppModule {}
