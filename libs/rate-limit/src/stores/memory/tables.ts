import { Entry, type EntriesInUse, type EntryTable } from './entries-in-use.js';

/** The entries of one policy, by key. */
class Table<Value> implements EntryTable {
  readonly entries = new Map<string, Entry<Value>>();

  constructor(
    private readonly id: string,
    private readonly tables: Map<string, Table<Value>>,
  ) {}

  /** The last entry takes the table with it: there may be ever new policies. */
  remove(key: string): void {
    this.entries.delete(key);
    if (this.entries.size === 0) this.tables.delete(this.id);
  }
}

/**
 * Values by policy and key. A table for each policy, because the text of a key joined from both would be made and hashed
 * for each hit.
 */
export class Tables<Value> {
  private readonly tables = new Map<string, Table<Value>>();

  /** @param all the entries of these tables and of others; they share a bound */
  constructor(private readonly all: EntriesInUse) {}

  get(id: string, key: string): Entry<Value> | undefined {
    return this.tables.get(id)?.entries.get(key);
  }

  /** All values under an id. */
  of(id: string): Iterable<Entry<Value>> {
    return this.tables.get(id)?.entries.values() ?? [];
  }

  delete(entry: Entry<Value> | undefined): void {
    if (entry && !entry.isGone) this.all.remove(entry);
  }

  /**
   * Writes a value. That counts as a use, even if it is the same value.
   *
   * @param entry what `get(id, key)` returned
   */
  set(id: string, key: string, entry: Entry<Value> | undefined, value: Value, expiresAt: number, now: number): void {
    // The entry may be gone by now, removed to make room for another.
    if (entry && !entry.isGone) {
      entry.value = value;
      entry.expiresAt = expiresAt;
      this.all.use(entry);
      return;
    }
    let table = this.tables.get(id);
    if (!table) this.tables.set(id, (table = new Table(id, this.tables)));
    const added = new Entry(key, table, value, expiresAt);
    table.entries.set(key, added);
    this.all.add(added, now);
  }
}
