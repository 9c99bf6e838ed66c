import { RateLimitError } from '../../../core/errors.js';
import type { LimiterMetrics } from '../limiter-metrics.js';
import {
  METRICS,
  READ_METRICS,
  type HistogramName,
  type Metric,
  type MetricName,
  type ReadMetric,
} from '../metrics.js';
import { MetricsPool } from '../metrics-pool.js';
import { sharedBy } from '../shared-by.js';
import type { Labels } from '../sample.js';
import type { Collected, Histogram, PromClient, PrometheusRegistry } from './client.js';
import { prometheusLabel, prometheusName } from './names.js';

/** What the limiters of a process share about one registry. */
class Exposition {
  readonly pool = new MetricsPool();
  private readonly own = new Map<string, object>();
  private readonly durations: Histogram;
  private readonly sizes: Histogram;

  constructor(
    private readonly client: PromClient,
    private readonly registry: PrometheusRegistry,
  ) {
    for (const name of READ_METRICS) this.makeRead(name);
    this.durations = this.makeHistogram('rate_limit.check.duration');
    this.sizes = this.makeHistogram('rate_limit.batch.size');
  }

  add(metrics: LimiterMetrics): () => void {
    this.register();
    const { durations, sizes } = this;
    metrics.record({
      'rate_limit.check.duration': (value) => durations.observe(value),
      'rate_limit.batch.size': (value) => sizes.observe(value),
    });
    return this.pool.add(metrics);
  }

  /**
   * Registers what the registry has not. An application may have cleared it: then it begins with 0 again.
   *
   * @throws RateLimitError `RL_METRIC_TAKEN`
   */
  private register(): void {
    for (const [name, metric] of this.own) {
      const known = this.registry.getSingleMetric(name);
      if (known && known !== metric) throw taken(name);
    }
    const missing = [...this.own].filter(([name]) => !this.registry.getSingleMetric(name));
    if (missing.length === this.own.size) {
      this.pool.forgetPast();
      for (const histogram of [this.durations, this.sizes]) histogram.reset();
    }
    for (const [, metric] of missing) this.registry.registerMetric(metric as never);
  }

  private makeRead(name: ReadMetric): void {
    const { pool } = this;
    const { kind, labels: names }: Metric = METRICS[name];
    const metric: Collected = new this.client[kind === 'counter' ? 'Counter' : 'Gauge']({
      ...this.configuration(name),
      collect() {
        metric.reset();
        // Without labels it would begin with 0, also where there is no limiter.
        if (names.length === 0) metric.remove();
        for (const { labels, value } of pool.read(name)) metric.inc(renamed(labels), value);
      },
    });
    this.own.set(prometheusName(name), metric);
  }

  private makeHistogram(name: HistogramName): Histogram {
    const histogram = new this.client.Histogram({ ...this.configuration(name), buckets: [...METRICS[name].buckets] });
    this.own.set(prometheusName(name), histogram);
    return histogram;
  }

  /** They are registered later, all at once. */
  private configuration(name: MetricName) {
    const { help, labels, together }: Metric = METRICS[name];
    const common = { name: prometheusName(name), help, labelNames: labels.map(prometheusLabel), registers: [] };
    return together ? { ...common, aggregator: together } : common;
  }
}

const taken = (name: string): RateLimitError =>
  new RateLimitError(
    'RL_METRIC_TAKEN',
    `prometheus: the registry has another metric called ${name}; rename that one, or give the limiter a registry of its own`,
  );

const renamed = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [prometheusLabel(name), value]));

/**
 * Hands what a limiter counts to a registry of prom-client. Returns a function that ends this.
 *
 * @throws RateLimitError `RL_METRIC_TAKEN`
 */
export const expose = (metrics: LimiterMetrics, client: PromClient, registry: PrometheusRegistry): (() => void) =>
  sharedBy(registry, 'prometheus', () => new Exposition(client, registry)).add(metrics);
