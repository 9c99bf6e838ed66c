import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipRateLimit } from 'nestjs-redis-rate-limit';
import { register } from 'prom-client';

/** What Prometheus scrapes. In production, serve it where only Prometheus can reach it. */
@Controller('metrics')
@SkipRateLimit()
@ApiExcludeController()
export class MetricsController {
  @Get()
  @Header('Content-Type', register.contentType)
  @Header('Cache-Control', 'no-store')
  metrics(): Promise<string> {
    return register.metrics();
  }
}
