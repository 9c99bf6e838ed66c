import { Controller, Get } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { apiKey } from './openapi.js';

@Controller('api/minute')
export class MinuteController {
  /** The quota is full again at the next full minute, for all callers. */
  @Get()
  @RateLimit('minute')
  @ApiHeader(apiKey)
  minute() {
    return { minute: new Date().toISOString().slice(0, 16) };
  }
}
