import { METRICS, type Metric, type ReadMetric } from './metrics.js';

/** The values of labels, by name. One that does not apply is left out. */
export type Labels = Readonly<Record<string, string>>;

/** The value of a metric for some labels. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Makes one sample of those that have the same labels. */
export function merged(name: ReadMetric, samples: Iterable<Sample>): Sample[] {
  const { labels: names, together = 'sum' }: Metric = METRICS[name];
  const found = new Map<string, { labels: Labels; value: number }>();
  for (const { labels, value } of samples) {
    const same = JSON.stringify(names.map((label) => labels[label] ?? ''));
    const known = found.get(same);
    if (!known) found.set(same, { labels, value });
    else known.value = together === 'sum' ? known.value + value : Math.min(known.value, value);
  }
  return [...found.values()];
}
