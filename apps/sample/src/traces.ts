import { context, SpanKind, trace } from '@opentelemetry/api';
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * A middleware that prints a span for each request. The rate limiter writes its decision on the span that is active:
 * `openTelemetry: true`.
 */
export function tracesToConsole() {
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())] }).register();
  const tracer = trace.getTracer('rate-limit-sample');

  return (request: IncomingMessage & { originalUrl?: string }, response: ServerResponse, next: () => void): void => {
    const { method = 'GET', originalUrl = request.url ?? '' } = request;
    const span = tracer.startSpan(method, {
      kind: SpanKind.SERVER,
      attributes: { 'http.request.method': method, 'url.path': originalUrl.replace(/\?.*/s, '') },
    });
    response.once('close', () => {
      span.setAttribute('http.response.status_code', response.statusCode);
      span.end();
    });
    context.with(trace.setSpan(context.active(), span), next);
  };
}
