import { Controller, Get } from '@nestjs/common';
import { RateLimit } from 'nestjs-redis-rate-limit';

@Controller('api/report')
export class ReportController {
  /** Charged together or not at all: hammering the burst does not burn the hour. */
  @Get()
  @RateLimit('burst', 'hourly')
  report() {
    return { report: 'All is well.' };
  }
}
