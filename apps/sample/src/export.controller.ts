import { Controller, Get } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { apiKey } from './openapi.js';

@Controller('api/export')
export class ExportController {
  /** As many a month as the customer has, from the day of the month on which they subscribed. */
  @Get()
  @RateLimit('monthly')
  @ApiHeader({ ...apiKey, example: 'pro-key' })
  export() {
    return { export: 'ready' };
  }
}
