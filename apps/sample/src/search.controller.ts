import { Controller, Get } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { apiKey } from './openapi.js';

@Controller('api/search')
export class SearchController {
  /** `search` denies. `search-tighter` is in shadow: it only counts what it would deny, until its mode is changed. */
  @Get()
  @RateLimit('search', 'search-tighter')
  @ApiHeader(apiKey)
  search() {
    return { found: [] };
  }
}
