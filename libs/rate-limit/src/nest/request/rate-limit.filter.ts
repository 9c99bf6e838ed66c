import { Catch, type ArgumentsHost, type ExceptionFilter, type HttpException } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { PROBLEM_JSON } from '../../headers/problem-details.js';
import { fieldsOfWait } from '../../headers/ratelimit-headers.js';
import { httpTransport } from '../transports/http.transport.js';
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
    // Of messages, Nest's own filter answers what no other filter does. What is thrown here would reach nobody.
    if (host.getType() === 'rpc') return;
    // Of all else the caller is code, which gets the exception.
    if (host.getType() !== 'http' || !httpTransport.exchangeOf(host)) throw exception;
    const { httpAdapter } = this.adapterHost;
    const response = unhijacked(host.switchToHttp().getResponse());
    if (httpAdapter.isHeadersSent(response)) {
      // Nobody can be told any more, but a stream that has begun must end.
      httpAdapter.end(response);
      return;
    }
    if (exception instanceof RateLimitExceededException) this.completeFields(response, exception);
    httpAdapter.setHeader(response, 'Content-Type', PROBLEM_JSON);
    // Apart from the reply: NestJS 11's Express adapter makes a body that comes with an error's status plain JSON.
    httpAdapter.status(response, exception.getStatus());
    httpAdapter.reply(response, exception.getResponse());
  }

  /** Of one that code throws. Without Retry-After, clients take a 429 for one that never passes. */
  private completeFields(response: unknown, { retryAfter }: RateLimitExceededException): void {
    const { httpAdapter } = this.adapterHost;
    for (const [name, value] of fieldsOfWait(retryAfter)) {
      const isSet = name === 'Retry-After' && httpAdapter.getHeader(response, name) !== undefined;
      if (!isSet) httpAdapter.setHeader(response, name, value);
    }
  }
}

interface FastifyReply {
  readonly sent?: boolean;
  readonly raw?: { readonly headersSent: boolean };
}

/** A reply that its handler has taken over takes nothing more; Node's own response does, until its head is sent. */
function unhijacked(response: unknown): unknown {
  const { sent, raw } = response as FastifyReply;
  return sent && raw && !raw.headersSent ? raw : response;
}
