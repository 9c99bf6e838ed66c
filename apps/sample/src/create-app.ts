import { ConsoleLogger, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import type { Config } from './config.js';
import { serveOpenApi } from './openapi.js';

/** The application, not listening yet. What goes wrong is thrown; warnings are told after `flushLogs()`. */
export async function createApp(config: Config): Promise<INestApplication> {
  // Nothing of OpenTelemetry is loaded without the flag.
  const traces = config.traces ? (await import('./traces.js')).tracesToConsole() : undefined;
  const app = await onAdapter(config);
  if (traces) app.use('/api', traces);
  serveOpenApi(app);
  return app;
}

async function onAdapter(config: Config): Promise<INestApplication> {
  // Nest logs what it throws, with its stack: kept back, so that whoever starts the application says it once.
  const quiet = { abortOnError: false, bufferLogs: true, autoFlushLogs: false };
  const options = { ...quiet, logger: new ConsoleLogger({ logLevels: ['warn', 'error', 'fatal'] }) };
  const { trustedProxies } = config;

  if (config.adapter === 'fastify') {
    // Fastify takes no number of hops, and rightly: hops can be counted only where nobody gets past the proxies. The
    // same holds for Express' number below. Where your proxies have known addresses, name those instead.
    const trustProxy = trustedProxies > 0 && ((_address: string, hop: number) => hop < trustedProxies);
    const adapter = new FastifyAdapter({ trustProxy });
    // Fastify refuses a type of body that it has no parser for. This one leaves the body to the handler.
    adapter.getInstance().addContentTypeParser('application/octet-stream', (_request, _body, done) => done(null));
    return NestFactory.create(AppModule.with(config), adapter, options);
  }
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(config), new ExpressAdapter(), options);
  app.set('trust proxy', trustedProxies);
  return app;
}
