import type { Field } from '../../headers/ratelimit-headers.js';
import type { RateLimitRequest } from '../request/request.js';
import type { Exchange, Transport } from './transport.js';

/** Fastify's reply has `header`, Express' response is Node's own. */
interface HttpResponse {
  header?(name: string, value: string): unknown;
  setHeader?(name: string, value: string): unknown;
  readonly headersSent?: boolean;
  /** Node's own, below Fastify's reply. */
  readonly raw?: { readonly headersSent: boolean };
}

/** HTTP on Express or Fastify, which differ in the methods of their responses. */
export const httpTransport: Transport = {
  type: 'http',
  handlersIn: 'controllers',

  handles: (method) => Reflect.hasMetadata('path', method) && Reflect.hasMetadata('method', method),

  exchangeOf(context) {
    // Asked once: Nest makes three functions each time.
    const http = context.switchToHttp();
    const request: unknown = http.getRequest();
    const response = http.getResponse<HttpResponse | undefined>();
    return isRequest(request, response) ? new HttpExchange(request, response) : undefined;
  },

  // The filter of this library makes it a problem body.
  exceptionFor: (denial) => denial,
};

class HttpExchange implements Exchange {
  constructor(
    readonly request: RateLimitRequest,
    private readonly response: HttpResponse | undefined,
  ) {}

  get isAnswered(): boolean {
    return this.response?.headersSent ?? this.response?.raw?.headersSent ?? false;
  }

  setFields(fields: readonly Field[]): void {
    const { response } = this;
    if (!response || this.isAnswered) return;
    for (const [name, value] of fields) {
      if (response.setHeader) response.setHeader(name, value);
      else response.header?.(name, value);
    }
  }
}

/** It has header fields, and either a request line or an answer that takes fields. */
function isRequest(request: unknown, response: HttpResponse | undefined): request is RateLimitRequest {
  if (typeof request !== 'object' || request === null) return false;
  const { headers, method } = request as { headers?: unknown; method?: unknown };
  if (typeof headers !== 'object' || headers === null) return false;
  return typeof method === 'string' || typeof (response?.setHeader ?? response?.header) === 'function';
}
