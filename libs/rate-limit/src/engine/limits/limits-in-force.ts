import { isStoreUnavailable, RateLimitError, shown } from '../../core/errors.js';
import { entryName, partsOf, type LimitBook, type LimitNumbers } from '../../core/limit-book.js';
import type { Policy } from '../../core/policy.js';
import { RecurringWarnings } from '../recurring-warnings.js';
import type { LimitInForce } from './limit-change.js';
import type { LivePolicy } from './live-policy.js';

/** Has policies follow a book of limits: sees what is written there, and puts it in force. */
export class LimitsInForce {
  private readonly byId: ReadonlyMap<string, LivePolicy>;
  private readonly warnings: RecurringWarnings;
  /** Of the book, as far as it is known, and of each entry. */
  private version = 0;
  private versions = new Map<string, number>();
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly policies: readonly LivePolicy[],
    private readonly book: LimitBook,
    warn: (message: string) => void,
  ) {
    this.byId = new Map(policies.map((live) => [live.own.id, live]));
    this.warnings = new RecurringWarnings(warn);
  }

  /** What holds, as far as it is known. */
  of(live: LivePolicy, key: string | undefined): LimitInForce {
    const version = this.versions.get(entryName(live.own.id, key)) ?? 0;
    return inForce(live, key, key === undefined ? live.current : live.for(undefined, key), version);
  }

  /**
   * Sees all that is written by now, also by others. Looks take turns, so that none undoes a later one; all who ask
   * during one share the next, so nobody waits for more than two.
   *
   * @throws StoreUnavailableError
   */
  look(): Promise<void> {
    if (this.next) return this.next;
    if (!this.running) return this.begin();
    return (this.next = this.running.then(
      () => this.begin(),
      () => this.begin(),
    ));
  }

  /** The same for those who can do without: what is known holds. */
  async tryToLook(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      this.tell(error);
    }
  }

  /**
   * Looks now, and from then on after each so many milliseconds.
   *
   * @param patience how long the first look is waited for, in milliseconds
   */
  async follow(every: number, patience: number): Promise<void> {
    this.timer = setInterval(() => {
      if (!this.running) void this.tryToLook();
    }, every).unref();
    let late: NodeJS.Timeout | undefined;
    await Promise.race([this.tryToLook(), new Promise((resolve) => (late = setTimeout(resolve, patience)))]);
    clearTimeout(late);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private begin(): Promise<void> {
    this.next = undefined;
    const look = this.read().finally(() => (this.running = undefined));
    return (this.running = look);
  }

  private async read(): Promise<void> {
    const changes = await this.book.changesSince(this.version);
    if (!changes) return;
    if (changes.isWhole && [...this.versions.keys()].some((name) => !changes.entries.has(name))) {
      this.warnings.warnOnce(
        'lost',
        () => 'The store lost limits that were set (restarted empty, or flushed); those of the definitions hold again.',
      );
    }
    if (changes.isWhole) {
      for (const live of this.policies) live.restore();
      this.versions = new Map();
    }
    for (const [name, entry] of changes.entries) {
      const { id, key } = partsOf(name);
      // Of other versions of this application, or of other policies: they are not ours.
      const live = this.byId.get(id);
      if (!live) continue;
      const policy = entry && this.policyOf(live, entry);
      live.put(key, policy);
      // Also of numbers that cannot be used: whoever sets others says which version he puts an end to.
      if (entry) this.versions.set(name, entry.version);
      else this.versions.delete(name);
    }
    this.version = changes.version;
  }

  /** Of numbers that another version of the application may have written, for a policy that it defines otherwise. */
  private policyOf(live: LivePolicy, numbers: LimitNumbers): Policy | undefined {
    try {
      const policy = live.with(numbers);
      if (live.shutsOut(policy)) {
        const { name, burst } = policy;
        this.warnings.warnOnce(
          live.own.id,
          () => `${name}: the limit that was set, ${burst} at once, is less than a route costs, which it shuts out`,
        );
      }
      return policy;
    } catch (error) {
      const why = error instanceof RateLimitError ? error.message : shown(error);
      this.warnings.warnOnce(live.own.id, () => `${live.own.name}: a limit that was set cannot be used: ${why}`);
      return undefined;
    }
  }

  /** An outage is logged elsewhere; this logs only errors specific to reading limits. */
  private tell(error: unknown): void {
    const why = isStoreUnavailable(error) ? error.detail : error instanceof Error ? error.message : shown(error);
    if (isStoreUnavailable(error) && !/NOPERM|WRONGTYPE/.test(why)) return;
    this.warnings.warnOnce('look', () => `Limits that were set cannot be read, so those that are known hold: ${why}.`);
  }
}

/** A limit in the words of those who read and change it. */
export function inForce(
  { own }: LivePolicy,
  key: string | undefined,
  { name, limit, burst }: Policy,
  version: number,
): LimitInForce {
  const defined = { limit: own.limit, burst: own.burst, window: own.window };
  return { policy: name, ...(key !== undefined && { key }), limit, burst, defined, version };
}
