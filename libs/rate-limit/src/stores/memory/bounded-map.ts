import { ExpiryQueue, type Expiring } from './expiry-queue.js';

/** A value and when it expires, in milliseconds since the epoch. */
export interface Entry<Value> extends Expiring {
  readonly key: string;
  value: Value;
}

/** How many expired entries are removed for each new one. More than one, so that their number falls under load. */
const SWEEP = 2;

/** A smaller map gains nothing by sweeping. */
const WORTH_SWEEPING = 1_000;

/**
 * A map that holds at most `maxKeys` entries. To make room it first removes entries that have expired, then the one
 * that was written least recently. An expired entry stays readable until it is removed.
 */
export class BoundedMap<Value> {
  /** In the order of the last write, because writing an entry deletes it and inserts it again. */
  private readonly entries = new Map<string, Entry<Value>>();
  private expiring = new ExpiryQueue<Entry<Value>>();

  constructor(private readonly maxKeys: number) {}

  get size(): number {
    return this.entries.size;
  }

  get(key: string): Entry<Value> | undefined {
    return this.entries.get(key);
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  /**
   * Writes a value.
   *
   * @param entry what `get(key)` returned
   * @param expiresAt left out: when the entry expires already
   */
  set(key: string, entry: Entry<Value> | undefined, value: Value, expiresAt: number | undefined, now: number): void {
    // The entry may be gone by now, removed to make room for another.
    if (entry && this.entries.delete(key)) {
      entry.value = value;
      entry.expiresAt = expiresAt ?? entry.expiresAt;
      this.entries.set(key, entry);
      return;
    }
    const added: Entry<Value> = { key, value, expiresAt: expiresAt ?? entry!.expiresAt };
    this.entries.set(key, added);
    this.expiring.add(added);
    this.makeRoom(now);
  }

  private makeRoom(now: number): void {
    const sweep = this.entries.size > WORTH_SWEEPING ? SWEEP : 0;
    for (let swept = 0; swept < sweep || this.entries.size > this.maxKeys; swept++) {
      const expired = this.expiring.takeExpired(now);
      if (!expired) break;
      if (this.entries.get(expired.key) === expired) this.entries.delete(expired.key);
    }
    if (this.entries.size > this.maxKeys) {
      const [leastRecentlyUsed] = this.entries.keys();
      this.entries.delete(leastRecentlyUsed!);
    }
    if (this.expiring.size > 2 * this.entries.size + 1_000) this.rebuildQueue();
  }

  /** Deleted entries stay in the queue until they expire. This keeps the queue in proportion to the map. */
  private rebuildQueue(): void {
    this.expiring = new ExpiryQueue();
    for (const entry of this.entries.values()) this.expiring.add(entry);
  }
}
