import { Controller, Get, Header } from '@nestjs/common';
import { RateLimit, SkipRateLimit } from 'nestjs-redis-rate-limit';

/** On the class, so every handler here is limited, unless it says otherwise. */
@Controller('api')
@RateLimit('ping')
export class PingController {
  @Get('ping')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  ping() {
    return 'PONG';
  }

  @Get('free')
  @SkipRateLimit()
  free() {
    return { limited: false };
  }
}
