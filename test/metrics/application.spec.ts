import { Controller, Get, Header } from '@nestjs/common';
import { SkipRateLimit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { Registry } from 'prom-client';
import { adapters, boot, closeApps } from '../support/app.js';
import { prometheusValues } from './open-telemetry.js';

const registry = new Registry();
afterEach(async () => {
  await closeApps();
  registry.clear();
});

@Controller()
class ThingsController {
  @Get('things')
  things() {}

  @Get('metrics')
  @SkipRateLimit()
  @Header('Content-Type', registry.contentType)
  metrics() {
    return registry.metrics();
  }
}

const options: RateLimitModuleOptions = {
  policies: { burst: { limit: 2, window: '1h' } },
  default: ['burst'],
  prometheus: registry,
};
const start = async (adapter: (typeof adapters)[number], more: RateLimitModuleOptions = {}) =>
  boot(adapter, { ...options, ...more }, { controllers: [ThingsController] });

it.each(adapters)('on %s an application serves what it counted, also after it was started again', async (adapter) => {
  const text = { metrics: async () => (await app.get('/metrics')).text() };
  let app = await start(adapter);
  for (let i = 0; i < 3; i++) await app.get('/things');
  expect(await prometheusValues(text)).toMatchObject({
    'rate_limit_requests_total{by="store",decision="allowed",policy="burst"}': 2,
    'rate_limit_requests_total{by="store",decision="denied",policy="burst",reason="limit"}': 1,
    'rate_limit_limit{policy="burst"}': 2,
    rate_limit_check_duration_seconds_count: 3,
  });
  await closeApps();
  app = await start(adapter);
  await app.get('/things');
  expect(await prometheusValues(text)).toMatchObject({
    'rate_limit_requests_total{by="store",decision="allowed",policy="burst"}': 3,
    'rate_limit_requests_total{by="store",decision="denied",policy="burst",reason="limit"}': 1,
    rate_limit_check_duration_seconds_count: 4,
  });
});

it('what a list of the module decides is counted for all policies', async () => {
  const app = await start('express', { deny: ['127.0.0.1'] });
  await app.get('/things');
  expect(await prometheusValues(registry)).toMatchObject({
    'rate_limit_requests_total{by="list",decision="denied",policy="all",reason="list"}': 1,
  });
});

it('with enabled: false nothing is measured', async () => {
  const app = await start('express', { enabled: false });
  expect((await app.get('/things')).status).toBe(200);
  expect(registry.getMetricsAsArray()).toEqual([]);
});
