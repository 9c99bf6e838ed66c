import type { Terms } from './terms.js';

interface Entry {
  readonly terms: Terms;
  /** The number of the lookup that it comes from. */
  readonly lookup: number;
  readonly until: number;
}

/** Answers of lookups by key, each for its time and so many at most: the oldest go first. */
export class RememberedTerms {
  /** In the order in which they were kept. */
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly max: number) {}

  /** How many are kept now. */
  get size(): number {
    return this.entries.size;
  }

  find(key: string, now: number): Terms | undefined {
    const entry = this.entries.get(key);
    return entry && now < entry.until ? entry.terms : undefined;
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
