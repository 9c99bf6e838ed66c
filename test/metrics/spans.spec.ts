import { Controller, Get, type NestMiddleware } from '@nestjs/common';
import { context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { byApiKey, RateLimit } from 'nestjs-redis-rate-limit';
import { createLimiter } from 'nestjs-redis-rate-limit/engine';
import { boot, closeApps } from '../support/app.js';
import { sharedRedis } from '../support/redis/servers.js';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
beforeAll(() => provider.register());
afterAll(async () => {
  await provider.shutdown();
  trace.disable();
  context.disable();
});
beforeEach(() => exporter.reset());
afterEach(closeApps);

const tracer = trace.getTracer('test');
const policies = { free: { limit: 1_000, window: '1h' }, one: { limit: 1, window: '1h' } } as const;
const redis = (name: string) => ({ redis: sharedRedis().url, prefix: `spans-${name}-${process.pid}`, timeout: 5_000 });
const logger = { log: () => undefined, warn: () => undefined, error: () => undefined };

/** What each span was marked with, by its name. */
const marks = () => Object.fromEntries(exporter.getFinishedSpans().map(({ name, attributes }) => [name, attributes]));

it('each request of a batch marks the span that was active when it asked', async () => {
  const sizes: number[] = [];
  const limiter = await createLimiter({
    ...redis('batch'),
    policies,
    logger,
    openTelemetry: true,
    observer: { batchAnswered: ({ size }) => void sizes.push(size) },
  });
  try {
    await limiter.consume('one', 'caller-7');
    const ask = (i: number) =>
      tracer.startActiveSpan(`request ${i}`, async (span) => {
        await limiter.consume([
          { policy: 'free', key: `caller-${i}` },
          { policy: i % 2 ? 'one' : 'free', key: `caller-${i}` },
        ]);
        span.end();
      });
    await Promise.all(Array.from({ length: 40 }, async (_, i) => ask(i)));
  } finally {
    await limiter.close();
  }
  expect(Math.max(...sizes)).toBeGreaterThan(10);
  const expected = Array.from({ length: 40 }, (_, i) => [
    `request ${i}`,
    i === 7
      ? { 'rate_limit.decision': 'denied', 'rate_limit.policy': 'one', 'rate_limit.by': 'store' }
      : { 'rate_limit.decision': 'allowed', 'rate_limit.policy': 'free', 'rate_limit.by': 'store' },
  ]);
  expect(marks()).toEqual(Object.fromEntries(expected));
});

/** As instrumentation does: a span around each request. */
class Traced implements NestMiddleware {
  use(request: { headers: Record<string, string>; originalUrl: string }, response: Ended, next: () => void): void {
    tracer.startActiveSpan(request.headers['x-api-key'] ?? request.originalUrl, (span) => {
      response.on('finish', () => span.end());
      next();
    });
  }
}
interface Ended {
  on(event: 'finish', listener: () => void): void;
}

@Controller()
class ThingsController {
  @Get('things')
  @RateLimit('free', { name: 'one', key: byApiKey })
  things() {}
}

it('requests of an application mark their own spans, and a list its own', async () => {
  const options = { ...redis('app'), policies, openTelemetry: true, denialCache: false } as const;
  const app = await boot(
    'express',
    { ...options, deny: [{ apiKey: 'banned' }] },
    { controllers: [ThingsController], prepare: (nest) => nest.use(new Traced().use.bind(new Traced())) },
  );
  const get = (apiKey: string) => app.get('/things', { 'x-api-key': apiKey });
  await Promise.all(Array.from({ length: 20 }, async (_, i) => get(`k${i}`)));
  expect(marks()['k3']).toEqual({
    'rate_limit.decision': 'allowed',
    'rate_limit.policy': 'free',
    'rate_limit.by': 'store',
  });
  exporter.reset();
  const codes = await Promise.all(['k3', 'new', 'banned'].map(async (apiKey) => (await get(apiKey)).status));
  expect(codes).toEqual([429, 200, 403]);
  expect(marks()).toEqual({
    k3: { 'rate_limit.decision': 'denied', 'rate_limit.policy': 'one', 'rate_limit.by': 'store' },
    new: { 'rate_limit.decision': 'allowed', 'rate_limit.policy': 'free', 'rate_limit.by': 'store' },
    banned: { 'rate_limit.decision': 'denied', 'rate_limit.policy': 'all', 'rate_limit.by': 'list' },
  });
});
