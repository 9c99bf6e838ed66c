import { Controller, Get } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { apiKey } from './openapi.js';

@Controller('api/report')
export class ReportController {
  /** Charged together or not at all: hammering the burst does not burn the hour. */
  @Get()
  @RateLimit('burst', 'hourly')
  @ApiHeader(apiKey)
  report() {
    return { report: 'All is well.' };
  }
}
