import { METRICS, READ_METRICS, type ReadMetric } from './metrics.js';
import type { LimiterMetrics } from './limiter-metrics.js';
import { merged, type Sample } from './sample.js';

/**
 * The metrics of all limiters that report to one place. A registry takes each metric once, and a process may have several
 * limiters, or close one and open another. What a limiter counted stays when it closes, because a counter must not fall.
 */
export class MetricsPool {
  private readonly limiters = new Set<LimiterMetrics>();
  private past = new Map<ReadMetric, Sample[]>();

  /** Returns a function that removes the limiter, and keeps only what it counted. It may be called twice. */
  add(limiter: LimiterMetrics): () => void {
    this.limiters.add(limiter);
    return () => this.remove(limiter);
  }

  private remove(limiter: LimiterMetrics): void {
    if (!this.limiters.delete(limiter)) return;
    for (const name of READ_METRICS) {
      if (METRICS[name].kind === 'counter')
        this.past.set(name, merged(name, [...this.pastOf(name), ...limiter.read(name)]));
    }
  }

  /** Forgets limiters that are closed. */
  forgetPast(): void {
    this.past.clear();
  }

  read(name: ReadMetric): Sample[] {
    const samples = [...this.pastOf(name)];
    for (const limiter of this.limiters) samples.push(...limiter.read(name));
    return merged(name, samples);
  }

  private pastOf(name: ReadMetric): readonly Sample[] {
    return this.past.get(name) ?? [];
  }
}
