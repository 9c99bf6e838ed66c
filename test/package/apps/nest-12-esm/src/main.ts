import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
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
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
for (let request = 0; request < 3; request++) {
  const { status, headers } = await fetch(url);
  console.log(status, headers.get('ratelimit'), headers.get('content-type'));
}
// Nothing ends the process: it ends because nothing is left open.
await app.close();
