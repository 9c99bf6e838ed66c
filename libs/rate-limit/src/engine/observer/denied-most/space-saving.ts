/** How often a key was counted. */
export interface Counted {
  readonly key: string;
  /** Never too low. */
  readonly count: number;
  /** By how much `count` may be too high. */
  readonly atMostTooHigh: number;
}

interface Counter {
  count: number;
  tooHigh: number;
}

/**
 * Finds the keys that come most often, with room for a few: the space-saving sketch (Metwally et al., 2005). A key without
 * a counter takes over the counter with the lowest count, and that count as its error. So a key that comes more often than
 * 1 in `most` times is always among them.
 */
export class SpaceSaving {
  private readonly counters = new Map<string, Counter>();
  /** The keys by their counts, so that the lowest is found without a search. None of the sets is empty. */
  private readonly keysAt = new Map<number, Set<string>>();
  private least = 0;

  /** @param most how many keys it keeps */
  constructor(private readonly most: number) {}

  /** How often a key without a counter may have come. */
  get missed(): number {
    return this.counters.size < this.most ? 0 : this.least;
  }

  add(key: string): void {
    const counter = this.counters.get(key);
    if (counter) this.raise(key, counter);
    else if (this.counters.size < this.most) this.begin(key, 0);
    else this.replace(key);
  }

  /** All that it keeps, in no order. */
  *entries(): IterableIterator<Counted> {
    for (const [key, { count, tooHigh }] of this.counters) yield { key, count, atMostTooHigh: tooHigh };
  }

  /** What is known of one key. */
  of(key: string): Omit<Counted, 'key'> {
    const counter = this.counters.get(key);
    if (counter) return { count: counter.count, atMostTooHigh: counter.tooHigh };
    return { count: this.missed, atMostTooHigh: this.missed };
  }

  private begin(key: string, tooHigh: number): void {
    const count = tooHigh + 1;
    this.counters.set(key, { count, tooHigh });
    this.at(count).add(key);
    if (tooHigh === 0) this.least = 1;
  }

  private replace(key: string): void {
    const lowest = this.least;
    const [loser] = this.keysAt.get(lowest)!;
    this.counters.delete(loser!);
    this.begin(key, lowest);
    this.leave(loser!, lowest);
  }

  private raise(key: string, counter: Counter): void {
    const before = counter.count++;
    this.at(counter.count).add(key);
    this.leave(key, before);
  }

  /** When the last key of the lowest count leaves it, a key with one more is there, so that is the lowest count now. */
  private leave(key: string, count: number): void {
    const keys = this.keysAt.get(count)!;
    keys.delete(key);
    if (keys.size > 0) return;
    this.keysAt.delete(count);
    if (this.least === count) this.least = count + 1;
  }

  private at(count: number): Set<string> {
    let keys = this.keysAt.get(count);
    if (!keys) this.keysAt.set(count, (keys = new Set()));
    return keys;
  }
}
