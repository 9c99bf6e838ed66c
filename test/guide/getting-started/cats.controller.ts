import { Controller, Get, Post } from '@nestjs/common';
import { byUser, RateLimit, SkipRateLimit } from 'nestjs-redis-rate-limit';

@Controller('cats')
export class CatsController {
  @Get()
  list() {
    return ['Tom'];
  }

  @Post()
  @RateLimit({ limit: 1, window: '1m' }) // on top of the default
  create() {}

  @Get('mine')
  @RateLimit({ name: 'mine', limit: 2, window: '1m', key: byUser })
  mine() {
    return [];
  }

  @Get('health')
  @SkipRateLimit()
  health() {}
}
