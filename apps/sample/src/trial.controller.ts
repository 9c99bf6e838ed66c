import { Controller, Get } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { apiKey } from './openapi.js';

@Controller('api/trial')
export class TrialController {
  /** As many a minute as the schedule allows at this hour. */
  @Get()
  @RateLimit('trial')
  @ApiHeader(apiKey)
  trial() {
    return { trial: 'Welcome.' };
  }
}
