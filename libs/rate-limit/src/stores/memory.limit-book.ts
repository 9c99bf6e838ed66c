import {
  MOST_LIMITS,
  type LimitBook,
  type LimitChanges,
  type LimitEntry,
  type LimitNumbers,
  type LimitWritten,
} from '../core/limit-book.js';

/** Keeps changed limits in this process. Nobody else writes to it. */
export class MemoryLimitBook implements LimitBook {
  readonly isShared = false;
  private version = 0;
  private readonly entries = new Map<string, LimitEntry>();

  async changesSince(version: number): Promise<LimitChanges | undefined> {
    if (version === this.version) return undefined;
    return { version: this.version, isWhole: true, entries: new Map(this.entries) };
  }

  async write(name: string, numbers: LimitNumbers | undefined, expected?: number): Promise<LimitWritten> {
    const known = this.entries.get(name)?.version ?? 0;
    if (expected !== undefined && expected !== known) return { outcome: 'changed', version: known };
    if (!numbers) {
      if (this.entries.delete(name)) this.version++;
      return { outcome: 'done', version: 0 };
    }
    if (known === 0 && this.entries.size >= MOST_LIMITS) return { outcome: 'full', version: 0 };
    const { limit, burst } = numbers;
    this.entries.set(name, { limit, burst, version: ++this.version });
    return { outcome: 'done', version: this.version };
  }
}
