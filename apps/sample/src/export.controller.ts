import { Controller, Get } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { apiKey } from './openapi.js';

@Controller('api/export')
export class ExportController {
  /** The exports that the customer has a month. Each month begins on the day they subscribed. */
  @Get()
  @RateLimit('monthly')
  @ApiHeader({ ...apiKey, example: 'pro-key' })
  export() {
    return { export: 'ready' };
  }
}
