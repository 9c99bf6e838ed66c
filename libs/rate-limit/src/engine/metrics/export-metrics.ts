import type { LimiterMetrics, MeasuredCatalogue } from './limiter-metrics.js';
import type { MetricsOptions } from './options.js';
import type { OpenTelemetryApi } from './open-telemetry/api.js';
import { loadOpenTelemetry } from './open-telemetry/load-api.js';
import { measure, meterOf } from './open-telemetry/measure.js';
import { SpanAttributes } from './open-telemetry/span-attributes.js';
import { expose } from './prometheus/expose.js';
import { loadPromClient } from './prometheus/load-prom-client.js';

const NO_PROVIDER =
  'openTelemetry is on, but no MeterProvider is registered, so metrics go nowhere. ' +
  'Start the OpenTelemetry SDK before the application, or set openTelemetry: { meterProvider }.';

/**
 * Loads the packages that receive metrics, and hands over what the limiter counts.
 *
 * @returns a function that ends this
 * @throws RateLimitError `RL_OPENTELEMETRY_MISSING`, `RL_PROM_CLIENT_MISSING`, `RL_METRIC_TAKEN`
 */
export async function exportMetrics(
  metrics: LimiterMetrics,
  { openTelemetry, prometheus }: MetricsOptions,
  catalogue: MeasuredCatalogue,
  warn: (message: string) => void,
): Promise<() => void> {
  metrics.watch(catalogue);
  const api = openTelemetry ? await loadOpenTelemetry() : undefined;
  // First, because it may find names taken.
  const hide = prometheus ? expose(metrics, await loadPromClient(), prometheus) : undefined;
  let stop: (() => void) | undefined;
  if (api) {
    metrics.spans = new SpanAttributes(api.trace);
    const given = typeof openTelemetry === 'object' ? openTelemetry.meterProvider : undefined;
    const provider = given ?? api.metrics.getMeterProvider();
    const meter = meterOf(provider);
    if (!isNoop(meter, api)) stop = measure(metrics, provider, meter);
    // With Prometheus, OpenTelemetry may be there for traces alone.
    else if (!prometheus) warn(NO_PROVIDER);
  }
  return () => {
    hide?.();
    stop?.();
  };
}

const isNoop = (meter: object, api: OpenTelemetryApi): boolean =>
  meter.constructor === api.createNoopMeter().constructor;
