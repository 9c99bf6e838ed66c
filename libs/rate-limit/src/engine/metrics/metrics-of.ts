import { LimiterMetrics } from './limiter-metrics.js';
import type { MetricsOptions } from './options.js';

/** What counts for the options; `undefined` if nobody receives metrics. */
export const metricsOf = ({ openTelemetry, prometheus }: MetricsOptions): LimiterMetrics | undefined =>
  openTelemetry || prometheus ? new LimiterMetrics() : undefined;
