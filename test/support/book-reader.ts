import type { LimitBook, LimitEntry } from '../../libs/rate-limit/src/core/limit-book.js';

/** Knows a book by what changed, as an instance does. */
export class BookReader {
  known = new Map<string, LimitEntry>();
  /** How often it was told all there is. */
  wholes = 0;
  private version = 0;

  constructor(private readonly book: LimitBook) {}

  /** @returns the limits that it knows then, by name */
  async look(): Promise<Record<string, number | undefined>> {
    const changes = await this.book.changesSince(this.version);
    if (changes?.isWhole) {
      this.known = new Map();
      this.wholes++;
    }
    for (const [name, entry] of changes?.entries ?? []) {
      if (entry) this.known.set(name, entry);
      else this.known.delete(name);
    }
    this.version = changes?.version ?? this.version;
    return Object.fromEntries([...this.known].map(([name, { limit }]) => [name, limit]));
  }
}
