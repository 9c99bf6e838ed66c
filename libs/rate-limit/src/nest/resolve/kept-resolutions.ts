import type { Resolution } from './resolution.js';

interface Entry {
  readonly resolution: Resolution;
  /** The number of its lookup. */
  readonly lookup: number;
  readonly until: number;
}

/** Answers of lookups by key, each while it is valid. Their number is bounded; the oldest are removed first. */
export class KeptResolutions {
  /** In the order in which they were kept. */
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly max: number) {}

  /** How many are kept now. */
  get size(): number {
    return this.entries.size;
  }

  find(key: string, now: number): Resolution | undefined {
    const entry = this.entries.get(key);
    return entry && now < entry.until ? entry.resolution : undefined;
  }

  /** If answers arrive out of order, that of the later lookup stays. */
  keep(key: string, entry: Entry, now: number): void {
    if (entry.until <= now || entry.lookup < (this.entries.get(key)?.lookup ?? 0)) return;
    this.entries.delete(key);
    this.entries.set(key, entry);
    for (const [oldest, { until }] of this.entries) {
      if (now < until && this.entries.size <= this.max) return;
      this.entries.delete(oldest);
    }
  }
}
