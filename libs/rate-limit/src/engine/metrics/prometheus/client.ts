// The parts of prom-client that are used. It is optional, so its types are not named.

/** A registry of prom-client. */
export interface PrometheusRegistry {
  /** What it exports, as text. */
  metrics(): Promise<string>;
  /** Adds a metric. */
  registerMetric(metric: never): void;
  /** A metric by its name. */
  getSingleMetric(name: string): unknown;
}

interface Configuration {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: PrometheusRegistry[];
  readonly aggregator?: string;
  readonly buckets?: number[];
  readonly collect?: () => void;
}

export interface Collected {
  reset(): void;
  inc(labels: object, value: number): void;
  remove(): void;
}

export interface Histogram {
  reset(): void;
  observe(value: number): void;
}

export interface PromClient {
  readonly Counter: new (configuration: Configuration) => Collected;
  readonly Gauge: new (configuration: Configuration) => Collected;
  readonly Histogram: new (configuration: Configuration) => Histogram;
}
