/** One metric. Its labels never hold a key: each caller would be a series of its own, and callers can make up more. */
export interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** As UCUM. In Prometheus, seconds are part of the name. */
  readonly unit?: 's' | '{hit}' | '{error}' | '{block}' | '{hold}' | '{call}';
  readonly labels: readonly string[];
  /** How the values of several limiters of a process make one. Counters are always summed. */
  readonly together?: 'sum' | 'min';
  /** The upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

/** Every metric, by its name in OpenTelemetry. */
export const METRICS = {
  'rate_limit.requests': {
    kind: 'counter',
    help: 'Decisions: one for each policy of each request.',
    unit: '{hit}',
    labels: ['policy', 'decision', 'reason', 'by'],
  },
  'rate_limit.check.duration': {
    kind: 'histogram',
    help: 'How long requests waited for their decision.',
    unit: 's',
    labels: [],
    buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  },
  'rate_limit.store.errors': {
    kind: 'counter',
    help: 'Requests and other calls that the store did not answer.',
    unit: '{error}',
    labels: ['error.type'],
  },
  'rate_limit.store.available': {
    kind: 'gauge',
    help: 'Whether the store answers: 1 or 0.',
    labels: [],
    together: 'min',
  },
  'rate_limit.near_limit': {
    kind: 'counter',
    help: "How often callers crossed their policy's warnAt.",
    unit: '{hit}',
    labels: ['policy'],
  },
  'rate_limit.blocks': {
    kind: 'counter',
    help: 'Blocks that began.',
    unit: '{block}',
    labels: ['policy'],
  },
  'rate_limit.limit': {
    kind: 'gauge',
    help: 'The limit now, for callers without a limit of their own.',
    labels: ['policy'],
    together: 'min',
  },
  'rate_limit.holds': {
    kind: 'gauge',
    help: 'Open holds of this process.',
    unit: '{hold}',
    labels: ['policy'],
    together: 'sum',
  },
  'rate_limit.settled': {
    kind: 'counter',
    help: 'Holds that were settled, for less, the same or more than was held.',
    unit: '{hold}',
    labels: ['policy', 'direction'],
  },
  'rate_limit.batch.size': {
    kind: 'histogram',
    help: 'How many calls shared a command to Redis.',
    unit: '{call}',
    labels: [],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
  },
} as const satisfies Record<string, Metric>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;

/** A histogram of {@link METRICS}. */
export type HistogramName = 'rate_limit.check.duration' | 'rate_limit.batch.size';

/** The metrics that are counted here, and read when metrics are collected. */
export const READ_METRICS = (Object.keys(METRICS) as MetricName[]).filter(
  (name): name is ReadMetric => METRICS[name].kind !== 'histogram',
);
export type ReadMetric = Exclude<MetricName, HistogramName>;
