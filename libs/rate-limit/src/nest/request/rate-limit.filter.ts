import { Catch, type ArgumentsHost, type ExceptionFilter, type HttpException } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { PROBLEM_JSON } from '../../headers/problem-details.js';
import { RateLimitExceededException, RateLimitRefusedException, RateLimitUnavailableException } from './exceptions.js';

/**
 * Sends our exceptions as problem+json. Bound first of all global filters, and so asked last: one of yours that
 * catches everything comes before it. Here and not in the guard, because a content type set there sticks to whatever
 * another filter sends.
 */
@Catch(RateLimitExceededException, RateLimitRefusedException, RateLimitUnavailableException)
export class RateLimitExceptionFilter implements ExceptionFilter<HttpException> {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: HttpException, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw exception;
    const response: unknown = host.switchToHttp().getResponse();
    const { httpAdapter } = this.adapterHost;
    httpAdapter.setHeader(response, 'Content-Type', PROBLEM_JSON);
    // Apart from the reply: NestJS 11's Express adapter makes a body that comes with an error's status plain JSON.
    httpAdapter.status(response, exception.getStatus());
    httpAdapter.reply(response, exception.getResponse());
  }
}
