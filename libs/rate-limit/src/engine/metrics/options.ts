import { RateLimitError } from '../../core/errors.js';
import { checkKnownKeys } from '../../core/checks.js';
import { kindOf, shown } from '../../core/shown.js';
import type { OpenTelemetryMeterProvider } from './open-telemetry/api.js';
import type { PrometheusRegistry } from './prometheus/client.js';

/** What `openTelemetry` takes beside true. */
export interface OpenTelemetryOptions {
  /** Where metrics go. Default: the provider that is registered globally when the limiter opens. */
  meterProvider?: OpenTelemetryMeterProvider | undefined;
}

/** Who receives metrics. */
export interface MetricsOptions {
  /**
   * Hands metrics to OpenTelemetry, and writes each decision on the active span. Needs the package `@opentelemetry/api`.
   * Default false.
   */
  openTelemetry?: boolean | OpenTelemetryOptions | undefined;
  /** A registry of `prom-client` that receives metrics. */
  prometheus?: PrometheusRegistry | undefined;
}

export const METRICS_KEYS: readonly (keyof MetricsOptions)[] = ['openTelemetry', 'prometheus'];

/** @throws RateLimitError `RL_OPTION_INVALID`, `RL_OPTION_UNKNOWN` */
export function checkMetricsOptions({ openTelemetry, prometheus }: MetricsOptions): void {
  if (openTelemetry !== undefined && typeof openTelemetry !== 'boolean') checkOpenTelemetry(openTelemetry);
  if (prometheus !== undefined && !hasMethods(prometheus, ['metrics', 'registerMetric', 'getSingleMetric'])) {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `prometheus must be a registry of prom-client, like register of import { register } from 'prom-client', got ${said(prometheus)}`,
    );
  }
}

function checkOpenTelemetry(value: OpenTelemetryOptions): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `openTelemetry must be true, false or { meterProvider }, got ${shown(value)}`,
    );
  }
  if (hasMethods(value, ['getMeter'])) {
    throw new RateLimitError('RL_OPTION_INVALID', 'openTelemetry got a meter provider; write { meterProvider: … }');
  }
  checkKnownKeys(value, ['meterProvider'], 'openTelemetry');
  const { meterProvider } = value;
  if (meterProvider === undefined || hasMethods(meterProvider, ['getMeter'])) return;
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `openTelemetry.meterProvider must be a MeterProvider of OpenTelemetry, with getMeter(), got ${said(meterProvider)}`,
  );
}

const hasMethods = (value: unknown, names: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');

/** An object may be large. */
const said = (value: unknown): string => (typeof value === 'object' ? kindOf(value) : shown(value));
