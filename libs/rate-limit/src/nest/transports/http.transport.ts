import type { ArgumentsHost } from '@nestjs/common';
import type { Transport } from './transport.js';

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

  carries: isHttp,

  request: (context) => context.switchToHttp().getRequest(),

  isAnswered: (context) => isSent(context.switchToHttp().getResponse<HttpResponse>()),

  setFields(context, fields) {
    const response = context.switchToHttp().getResponse<HttpResponse>();
    if (isSent(response)) return;
    for (const [name, value] of fields) {
      if (response.setHeader) response.setHeader(name, value);
      else response.header?.(name, value);
    }
  },

  // The filter of this library makes it a problem body.
  exceptionFor: (denial) => denial,
};

const isSent = (response: HttpResponse | undefined): boolean =>
  response?.headersSent ?? response?.raw?.headersSent ?? false;

/** Whether a call has an HTTP request: header fields, and either a request line or an answer that takes fields. */
export function isHttp(host: ArgumentsHost): boolean {
  const request = host.switchToHttp().getRequest<{ headers?: unknown; method?: unknown } | undefined>();
  if (typeof request !== 'object' || request === null) return false;
  if (typeof request.headers !== 'object' || request.headers === null) return false;
  if (typeof request.method === 'string') return true;
  const response = host.switchToHttp().getResponse<HttpResponse | undefined>();
  return typeof (response?.setHeader ?? response?.header) === 'function';
}
