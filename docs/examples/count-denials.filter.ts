import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { RateLimitExceededException } from 'nestjs-redis-rate-limit';

/** Denials by policy: hand them to your metrics as one counter with the label `policy`. */
export const denials = new Map<string, number>();

/** Counts each denial, and answers as the library does. */
@Catch(RateLimitExceededException)
export class CountDenials implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: RateLimitExceededException, host: ArgumentsHost) {
    for (const policy of exception.violatedPolicies) denials.set(policy, (denials.get(policy) ?? 0) + 1);
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<object>();
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json');
    httpAdapter.status(response, exception.getStatus());
    httpAdapter.reply(response, exception.getResponse());
  }
}
