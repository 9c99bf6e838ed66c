import {
  MOST_LIMITS,
  type LimitBook,
  type LimitChanges,
  type LimitEntry,
  type LimitNumbers,
  type LimitWriteResult,
} from '../../core/limit-book.js';

/** How many changes are kept one by one. A reader that missed more gets the whole book. */
const LONGEST_LOG = 1_000;

/** Keeps changed limits in this process. No other process writes to it. */
export class MemoryLimitBook implements LimitBook {
  readonly isShared = false;
  private version = 0;
  private readonly entries = new Map<string, LimitEntry>();
  /** The names of the latest changes. The last one has the book's version, each before it one less. */
  private readonly log: string[] = [];

  async changesSince(version: number): Promise<LimitChanges | undefined> {
    const missed = this.version - version;
    if (missed === 0) return undefined;
    const isWhole = version === 0 || missed < 0 || missed > this.log.length;
    const names = isWhole ? [...this.entries.keys()] : this.log.slice(-missed);
    return { version: this.version, isWhole, entries: new Map(names.map((name) => [name, this.entries.get(name)])) };
  }

  async write(name: string, numbers: LimitNumbers | undefined, expected?: number): Promise<LimitWriteResult> {
    const known = this.entries.get(name)?.version ?? 0;
    if (expected !== undefined && expected !== known) return { outcome: 'changed', version: known };
    if (!numbers) {
      if (this.entries.delete(name)) this.changed(name);
      return { outcome: 'done', version: 0 };
    }
    if (known === 0 && this.entries.size >= MOST_LIMITS) return { outcome: 'full', version: 0 };
    const { limit, burst, mode } = numbers;
    this.changed(name);
    this.entries.set(name, { limit, burst, mode, version: this.version });
    return { outcome: 'done', version: this.version };
  }

  private changed(name: string): void {
    this.version++;
    if (this.log.push(name) > LONGEST_LOG) this.log.shift();
  }
}
