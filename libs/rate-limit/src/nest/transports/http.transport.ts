import type { Transport } from './transport.js';

/** Fastify's reply has `header`, Express' response is Node's own. */
interface HttpResponse {
  header?(name: string, value: string): unknown;
  setHeader?(name: string, value: string): unknown;
}

/** HTTP on Express or Fastify, told apart by what their responses can do. */
export const httpTransport: Transport = {
  type: 'http',
  handlersIn: 'controllers',

  handles: (method) => Reflect.hasMetadata('path', method) && Reflect.hasMetadata('method', method),

  request: (context) => context.switchToHttp().getRequest(),

  setFields(context, fields) {
    const response = context.switchToHttp().getResponse<HttpResponse>();
    for (const [name, value] of fields) {
      if (response.setHeader) response.setHeader(name, value);
      else response.header?.(name, value);
    }
  },

  // The filter of this library makes it a problem body.
  exceptionFor: (denial) => denial,
};
