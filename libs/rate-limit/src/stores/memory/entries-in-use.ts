import { ExpiryQueue, type Expiring } from './expiry-queue.js';

/** A value that is kept under a key. */
export class Entry<Value = unknown> implements Expiring {
  /** Its neighbours in the order of use; the entry itself while it has no place there. */
  older: Entry = this;
  newer: Entry = this;

  /**
   * @param table where it is found by its key
   * @param expiresAt in milliseconds since the epoch
   */
  constructor(
    readonly key: string,
    readonly table: EntryTable,
    public value: Value,
    public expiresAt: number,
  ) {}

  /** Whether it was removed, perhaps to make room for another. */
  get isGone(): boolean {
    return this.older === this;
  }
}

/** Where entries are found by their keys. */
export interface EntryTable {
  remove(key: string): void;
}

/** How many expired entries are removed for each new one. More than one, so that their number falls under load. */
const SWEEP = 2;

/** Fewer entries gain nothing by sweeping. */
const WORTH_SWEEPING = 1_000;

/**
 * All entries of a store, in the order of their last use: at most `most`. To make room it first removes entries that
 * have expired, then the one that was used least recently. An expired entry stays readable until it is removed.
 */
export class EntriesInUse {
  private count = 0;
  /** Joins both ends of the order: the newest entry is its older neighbour, the oldest one its newer neighbour. */
  private readonly ends = new Entry('', { remove: () => undefined }, undefined, 0);
  private expiring = new ExpiryQueue<Entry>();

  constructor(private readonly most: number) {}

  get size(): number {
    return this.count;
  }

  use(entry: Entry): void {
    if (this.ends.older === entry) return;
    unlink(entry);
    this.link(entry);
  }

  add(entry: Entry, now: number): void {
    this.link(entry);
    this.count++;
    this.expiring.add(entry);
    this.makeRoom(now);
  }

  remove(entry: Entry): void {
    unlink(entry);
    // It may stay in the queue for long, and must not keep its neighbours alive.
    entry.older = entry.newer = entry;
    this.count--;
    entry.table.remove(entry.key);
  }

  private makeRoom(now: number): void {
    const sweep = this.count > WORTH_SWEEPING ? SWEEP : 0;
    for (let swept = 0; swept < sweep || this.count > this.most; swept++) {
      const expired = this.expiring.takeExpired(now);
      if (!expired) break;
      if (!expired.isGone) this.remove(expired);
    }
    if (this.count > this.most) this.remove(this.ends.newer);
    if (this.expiring.size > 2 * this.count + 1_000) this.rebuildQueue();
  }

  /** Removed entries stay in the queue until they expire. This keeps the queue in proportion to the entries. */
  private rebuildQueue(): void {
    this.expiring = new ExpiryQueue();
    for (let entry = this.ends.newer; entry !== this.ends; entry = entry.newer) this.expiring.add(entry);
  }

  private link(entry: Entry): void {
    const { ends } = this;
    entry.older = ends.older;
    entry.newer = ends;
    ends.older.newer = entry;
    ends.older = entry;
  }
}

function unlink({ older, newer }: Entry): void {
  older.newer = newer;
  newer.older = older;
}
