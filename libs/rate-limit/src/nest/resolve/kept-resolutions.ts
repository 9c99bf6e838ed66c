import type { Resolution } from './resolution.js';

interface Entry {
  readonly resolution: Resolution;
  /** The number of the lookup that it comes from. */
  readonly lookup: number;
  readonly until: number;
}

/** Answers of lookups by key, each for as long as it holds. There is a bound; the oldest go first. */
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

  /** Answers may overtake one another: that of a later lookup stays. */
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
