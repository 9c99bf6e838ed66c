import { METRICS, type Metric, type MetricName } from '../metrics.js';

/** A metric's name in Prometheus, as OpenTelemetry's own exporter would write it: `rate_limit_requests_total`. */
export function prometheusName(name: MetricName): string {
  const { kind, unit }: Metric = METRICS[name];
  const suffix = kind === 'counter' ? '_total' : unit === 's' ? '_seconds' : '';
  return prometheusLabel(name) + suffix;
}

/** A label's name in Prometheus: `error_type`. */
export const prometheusLabel = (name: string): string => name.replaceAll('.', '_');
