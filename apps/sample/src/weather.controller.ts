import { Controller, Get } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { apiKey } from './openapi.js';

@Controller('api/weather')
export class WeatherController {
  /** As many a minute as the plan of the caller's API key allows. */
  @Get()
  @RateLimit('plan')
  @ApiHeader({ ...apiKey, example: 'pro-key' })
  weather() {
    return { weather: 'fair' };
  }
}
