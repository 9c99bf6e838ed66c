import { Controller, Get } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { apiKey } from './openapi.js';

@Controller('api/feed')
export class FeedController {
  /** Some API keys are not counted here, and some are refused: the policy's lists say which. */
  @Get()
  @RateLimit('feed')
  @ApiHeader({ ...apiKey, example: 'partner-key' })
  feed() {
    return { feed: ['All is well.'] };
  }
}
