import { createLimiter } from 'nestjs-redis-rate-limit/engine';
import { Counter, Registry } from 'prom-client';
import { openTelemetry } from './open-telemetry.js';

const warned: string[] = [];
const logger = { log: () => undefined, warn: (text: string) => void warned.push(text), error: () => undefined };
const start = async (options: object) => {
  const limiter = await createLimiter({ logger, ...options });
  await limiter.close();
};

it.each<[object, string]>([
  [{ prometheus: true }, 'prometheus must be a registry of prom-client'],
  [{ prometheus: { register: new Registry() } }, 'got an object of Object'],
  [{ prometheus: new Map() }, 'got an object of Map'],
  [{ openTelemetry: 'true' }, 'openTelemetry must be true, false or { meterProvider }, got "true"'],
  [{ openTelemetry: { provider: 1 } }, 'openTelemetry has no option "provider"'],
  [{ openTelemetry: { meterProvider: {} } }, 'openTelemetry.meterProvider must be a MeterProvider'],
  [{ openTelemetry: openTelemetry().meterProvider }, 'write { meterProvider: … }'],
])('%j stops the start', async (options, message) => {
  await expect(start(options)).rejects.toThrow(message);
});

it('a registry in which one of the names is taken stops the start, and is left as it was', async () => {
  const registry = new Registry();
  const mine = new Counter({ name: 'rate_limit_limit', help: 'mine', registers: [registry] });
  await expect(start({ prometheus: registry })).rejects.toMatchObject({ code: 'RL_METRIC_TAKEN' });
  expect(registry.getMetricsAsArray()).toHaveLength(1);
  expect(registry.getSingleMetric('rate_limit_limit')).toBe(mine);
});

it('OpenTelemetry without a MeterProvider is warned of', async () => {
  await start({ openTelemetry: true });
  expect(warned).toEqual([expect.stringContaining('no MeterProvider is registered')]);
});
