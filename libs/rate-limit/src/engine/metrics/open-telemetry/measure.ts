import type { LimiterMetrics } from '../limiter-metrics.js';
import { METRICS, READ_METRICS, type HistogramName, type Metric, type MetricName } from '../metrics.js';
import { MetricsPool } from '../metrics-pool.js';
import { sharedBy } from '../shared-by.js';
import type { Meter, OpenTelemetryMeterProvider } from './api.js';

/** The scope of our instruments. */
const SCOPE = 'nestjs-redis-rate-limit';

/** What the limiters of a process share about one meter provider. */
class Instruments {
  readonly pool = new MetricsPool();
  private readonly durations;
  private readonly sizes;

  constructor(readonly meter: Meter) {
    const read = READ_METRICS.map((name) => {
      const isCounter = METRICS[name].kind === 'counter';
      const make = isCounter ? 'createObservableCounter' : 'createObservableGauge';
      return { name, instrument: meter[make](name, optionsOf(name)) };
    });
    const histogram = (name: HistogramName) => meter.createHistogram(name, optionsOf(name));
    this.durations = histogram('rate_limit.check.duration');
    this.sizes = histogram('rate_limit.batch.size');
    // It stays when all limiters are closed: what they counted may be exported later, when the provider shuts down.
    meter.addBatchObservableCallback(
      (result) => {
        for (const { name, instrument } of read) {
          for (const { labels, value } of this.pool.read(name)) result.observe(instrument, value, labels);
        }
      },
      read.map(({ instrument }) => instrument),
    );
  }

  add(metrics: LimiterMetrics): () => void {
    const { durations, sizes } = this;
    metrics.record({
      'rate_limit.check.duration': (value) => durations.record(value),
      'rate_limit.batch.size': (value) => sizes.record(value),
    });
    return this.pool.add(metrics);
  }
}

/** The meter of a provider. */
export const meterOf = (provider: OpenTelemetryMeterProvider): Meter => provider.getMeter(SCOPE) as Meter;

/** Hands what a limiter counts to OpenTelemetry. Returns a function that ends this. */
export function measure(metrics: LimiterMetrics, provider: OpenTelemetryMeterProvider, meter: Meter): () => void {
  return sharedBy(provider, 'open-telemetry', () => new Instruments(meter)).add(metrics);
}

function optionsOf(name: MetricName) {
  const { help: description, unit, buckets }: Metric = METRICS[name];
  return { description, unit: unit ?? '', ...(buckets && { advice: { explicitBucketBoundaries: [...buckets] } }) };
}
