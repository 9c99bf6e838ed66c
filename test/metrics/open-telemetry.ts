import { MeterProvider, MetricReader, DataPointType } from '@opentelemetry/sdk-metrics';

/** Reads when it is asked to. */
class OnDemand extends MetricReader {
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

/** A value with its labels, as text: `rate_limit.requests{by="store",decision="allowed",policy="a"} 1`. */
export type Values = Record<string, number>;

/** A real MeterProvider, and what it exports. */
export function openTelemetry() {
  const reader = new OnDemand();
  const meterProvider = new MeterProvider({ readers: [reader] });
  return {
    meterProvider,
    close: () => meterProvider.shutdown(),
    async values(): Promise<Values> {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors);
      const found: Values = {};
      for (const { metrics } of resourceMetrics.scopeMetrics) {
        for (const { descriptor, dataPointType, dataPoints } of metrics) {
          for (const { attributes, value } of dataPoints) {
            const number = dataPointType === DataPointType.HISTOGRAM ? (value as { count: number }).count : value;
            found[named(descriptor.name, attributes)] = number as number;
          }
        }
      }
      return found;
    },
  };
}

/** What a registry of prom-client exports, as text of the same form. */
export async function prometheusValues(registry: { metrics(): Promise<string> }): Promise<Values> {
  const found: Values = {};
  for (const line of (await registry.metrics()).split('\n')) {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || /_(bucket|sum)$/.test(name)) continue;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!] as const);
    found[named(name, Object.fromEntries(pairs))] = Number(value);
  }
  return found;
}

function named(name: string, labels: object): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${String(value)}"`);
  return pairs.length > 0 ? `${name}{${pairs.sort().join(',')}}` : name;
}
