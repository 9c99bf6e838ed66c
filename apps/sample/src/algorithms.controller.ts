import { Controller, Get, NotFoundException, Param } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiHeader } from '@nestjs/swagger';
import { byApiKey, RateLimit } from 'nestjs-redis-rate-limit';
import { algorithmNames } from 'nestjs-redis-rate-limit/engine';
import { apiKey } from './openapi.js';

/** A caller without an `x-api-key` is counted by its address. */
const tenIn10Seconds = { limit: 10, window: '10s', key: byApiKey } as const;

/** The same quota judged in five ways, each a policy of its own. */
@Controller('api/algorithms')
@ApiHeader(apiKey)
export class AlgorithmsController {
  @Get('fixed-window')
  @RateLimit({ name: 'fixed-window', algorithm: 'fixed-window', ...tenIn10Seconds })
  fixedWindow() {
    return { algorithm: 'fixed-window' };
  }

  @Get('sliding-window')
  @RateLimit({ name: 'sliding-window', algorithm: 'sliding-window', ...tenIn10Seconds })
  slidingWindow() {
    return { algorithm: 'sliding-window' };
  }

  @Get('sliding-log')
  @RateLimit({ name: 'sliding-log', algorithm: 'sliding-log', ...tenIn10Seconds })
  slidingLog() {
    return { algorithm: 'sliding-log' };
  }

  @Get('token-bucket')
  @RateLimit({ name: 'token-bucket', algorithm: 'token-bucket', ...tenIn10Seconds })
  tokenBucket() {
    return { algorithm: 'token-bucket' };
  }

  /** Without its burst, gcra would pace callers: one request each second. */
  @Get('gcra')
  @RateLimit({ name: 'gcra', algorithm: 'gcra', burst: 10, ...tenIn10Seconds })
  gcra() {
    return { algorithm: 'gcra' };
  }

  @Get(':algorithm')
  @ApiExcludeEndpoint()
  unknown(@Param('algorithm') algorithm: string): never {
    throw new NotFoundException(`There is no algorithm "${algorithm}". There are ${algorithmNames.join(', ')}.`);
  }
}
