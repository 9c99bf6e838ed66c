import { BadRequestException, ServiceUnavailableException } from '@nestjs/common';
import { RateLimitError, StoreUnavailableError } from 'nestjs-redis-rate-limit';

/** Without an answer of Redis, the library rejects, but applies the change in this instance. */
export function asAnswer(error: unknown): unknown {
  if (error instanceof StoreUnavailableError) {
    return new ServiceUnavailableException(
      'Redis gave no answer. This instance applies the change while Redis is away. Others may never apply it.',
    );
  }
  return error instanceof RateLimitError ? new BadRequestException(error.message) : error;
}
