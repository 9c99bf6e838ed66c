import { Catch, type ArgumentsHost, type ExceptionFilter, type HttpException } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { PROBLEM_JSON } from '../../headers/problem-details.js';
import { fieldsOfWait } from '../../headers/ratelimit-headers.js';
import { httpTransport } from '../transports/http.transport.js';
import { RateLimitExceededException, RateLimitRefusedException, RateLimitUnavailableException } from './exceptions.js';

/**
 * Sends our exceptions as problem+json. It is bound before all other global filters, so Nest asks it last: a filter of
 * the application that catches everything wins. The guard does not set the content type, because another filter's
 * answer would keep it.
 */
@Catch(RateLimitExceededException, RateLimitRefusedException, RateLimitUnavailableException)
export class RateLimitExceptionFilter implements ExceptionFilter<HttpException> {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: HttpException, host: ArgumentsHost): void {
    // Nest's own filter answers messages. An error that is thrown here would be lost.
    if (host.getType() === 'rpc') return;
    // Of all else the caller is code, which gets the exception.
    if (host.getType() !== 'http' || !httpTransport.exchangeOf(host)) throw exception;
    const { httpAdapter } = this.adapterHost;
    const response = unhijacked(host.switchToHttp().getResponse());
    if (httpAdapter.isHeadersSent(response)) {
      // The status is sent already, but a stream that has begun must end.
      httpAdapter.end(response);
      return;
    }
    if (exception instanceof RateLimitExceededException) this.completeFields(response, exception);
    httpAdapter.setHeader(response, 'Content-Type', PROBLEM_JSON);
    // Not as an argument of reply(): with an error status, NestJS 11's Express adapter would send plain JSON.
    httpAdapter.status(response, exception.getStatus());
    httpAdapter.reply(response, exception.getResponse());
  }

  /** For exceptions that code throws. Without Retry-After, clients take a 429 for one that never passes. */
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

/** A hijacked Fastify reply sends nothing more. Node's own response can, until its head is sent. */
function unhijacked(response: unknown): unknown {
  const { sent, raw } = response as FastifyReply;
  return sent && raw && !raw.headersSent ? raw : response;
}
