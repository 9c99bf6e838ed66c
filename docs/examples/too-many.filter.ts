import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { RateLimitExceededException } from 'nestjs-redis-rate-limit';

interface Response {
  status(code: number): { json(body: object): void };
}

@Catch(RateLimitExceededException)
export class TooManyFilter implements ExceptionFilter {
  catch({ retryAfter }: RateLimitExceededException, host: ArgumentsHost) {
    const response = host.switchToHttp().getResponse<Response>();
    const body = retryAfter < 0 ? { error: 'more than the quota' } : { error: 'slow down', in: retryAfter };
    response.status(429).json(body);
  }
}
