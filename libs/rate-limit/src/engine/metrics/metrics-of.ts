import { LimiterMetrics } from './limiter-metrics.js';
import type { MetricsOptions } from './options.js';

/** The metrics of a limiter with these options; `undefined` if nothing receives them. */
export const metricsOf = ({ openTelemetry, prometheus }: MetricsOptions): LimiterMetrics | undefined =>
  openTelemetry || prometheus ? new LimiterMetrics() : undefined;
