import { isStoreUnavailable, RateLimitError } from '../../core/errors.js';
import { saidBy, shown } from '../../core/shown.js';
import {
  entryName,
  partsOf,
  type LimitBook,
  type LimitChanges,
  type LimitEntry,
  type LimitNumbers,
} from '../../core/limit-book.js';
import type { LimitChangeEvent } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';
import { RecurringWarnings } from '../recurring-warnings.js';
import { AppliedLimits } from './applied-limits.js';
import type { LiveLimit } from './limit-change.js';
import type { LivePolicy } from './live-policy.js';

/** What a {@link LimitFollower} calls. */
export interface FollowerSettings {
  readonly warn: (message: string) => void;
  /** Called for each change, also for changes by other processes. */
  readonly changed?: ((event: LimitChangeEvent) => void) | undefined;
}

/** Makes policies follow a book of limits: reads its entries and applies them. */
export class LimitFollower {
  private readonly byId: ReadonlyMap<string, LivePolicy>;
  private readonly warnings: RecurringWarnings;
  /** The version of the book that was read last, and its entries. */
  private version = 0;
  private entries = new Map<string, LimitEntry>();
  /** Whether the book was read before. The first read reports no changes. */
  private hasRead = false;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly policies: readonly LivePolicy[],
    private readonly book: LimitBook,
    private readonly settings: FollowerSettings,
  ) {
    this.byId = new Map(policies.map((live) => [live.own.id, live]));
    this.warnings = new RecurringWarnings(settings.warn);
  }

  /** The limit as it was read last. */
  of(live: LivePolicy, key: string | undefined): LiveLimit {
    const version = this.entryOf(live, key)?.version ?? 0;
    return liveLimitOf(live, key, key === undefined ? live.current : live.for(undefined, key), version);
  }

  /** What is set, as it was read last; `undefined`: nothing. */
  entryOf(live: LivePolicy, key: string | undefined): LimitEntry | undefined {
    return this.entries.get(entryName(live.own.id, key));
  }

  /**
   * Reads all entries that are written by now, also by other processes. Reads run one after the other, so that none
   * undoes a later one. Callers that arrive during a read share the next one, so none waits for more than two.
   *
   * @throws StoreUnavailableError
   */
  refresh(): Promise<void> {
    if (this.next) return this.next;
    if (!this.running) return this.begin();
    return (this.next = this.running.then(
      () => this.begin(),
      () => this.begin(),
    ));
  }

  /** The same, but a failure is only logged: the limits that were read before still apply. */
  async tryToRefresh(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      this.tell(error);
    }
  }

  /**
   * Reads now, and from then on at an interval.
   *
   * @param every the interval, in milliseconds
   * @param patience how long the first read is waited for, in milliseconds
   */
  async follow(every: number, patience: number): Promise<void> {
    this.timer = setInterval(() => {
      if (!this.running) void this.tryToRefresh();
    }, every).unref();
    let late: NodeJS.Timeout | undefined;
    await Promise.race([this.tryToRefresh(), new Promise((resolve) => (late = setTimeout(resolve, patience)))]);
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
    const { changed } = this.settings;
    const before = changes && changed && this.hasRead ? new AppliedLimits(this.policies) : undefined;
    if (changes) this.apply(changes);
    this.hasRead = true;
    for (const change of before?.changes() ?? []) changed!(change);
  }

  private apply(changes: LimitChanges): void {
    if (changes.isWhole && [...this.entries.keys()].some((name) => !changes.entries.has(name))) {
      this.warnings.warnOnce(
        'lost',
        () =>
          'The store lost the limits that were set: it was restarted empty, or flushed. The limits in the definitions apply again.',
      );
    }
    if (changes.isWhole) {
      for (const live of this.policies) live.restore();
      this.entries = new Map();
    }
    const moved = new Set<LivePolicy>();
    for (const [name, entry] of changes.entries) {
      const { id, key } = partsOf(name);
      // Another version of this application may have other policies.
      const live = this.byId.get(id);
      if (!live) continue;
      const policy = entry && this.policyOf(live, key, entry);
      if (key === undefined && policy !== live.current) moved.add(live);
      live.put(key, policy);
      // Also for numbers that cannot be used: a change of them must name their version.
      if (entry) this.entries.set(name, entry);
      else this.entries.delete(name);
    }
    this.version = changes.version;
    if (moved.size > 0) this.completeOverrides(moved);
  }

  /** What an override leaves out follows the limit of all keys. */
  private completeOverrides(moved: ReadonlySet<LivePolicy>): void {
    for (const [name, entry] of this.entries) {
      const { id, key } = partsOf(name);
      const live = this.byId.get(id);
      const isPartial = entry.limit === undefined || entry.mode === undefined;
      if (key !== undefined && live && isPartial && moved.has(live)) live.put(key, this.policyOf(live, key, entry));
    }
  }

  /** Another version of the application may have written the numbers, for a policy that it defines differently. */
  private policyOf(live: LivePolicy, key: string | undefined, numbers: LimitNumbers): Policy | undefined {
    try {
      const policy = live.with(live.completed(key, numbers));
      if (live.shutsOut(policy)) {
        const { name, burst } = policy;
        this.warnings.warnOnce(
          live.own.id,
          () =>
            `${name}: the limit that was set lets ${burst} pass at once, but requests of a route cost more, so all of them are denied. Set a higher limit.`,
        );
      }
      return policy;
    } catch (error) {
      const why = error instanceof RateLimitError ? error.message : shown(error);
      this.warnings.warnOnce(
        live.own.id,
        () => `${live.own.name}: a limit that was set is ignored, because it cannot be used: ${why}`,
      );
      return undefined;
    }
  }

  /** An outage is logged elsewhere; this logs only errors specific to reading limits. */
  private tell(error: unknown): void {
    const why = isStoreUnavailable(error) ? error.detail : saidBy(error);
    if (isStoreUnavailable(error) && !/NOPERM|WRONGTYPE/.test(why)) return;
    this.warnings.warnOnce(
      'look',
      () => `The limits that were set cannot be read: ${why}. The limits that were read before still apply.`,
    );
  }
}

/** A limit as `RateLimiter.limits` returns it. */
export function liveLimitOf(
  { own }: LivePolicy,
  key: string | undefined,
  { name, limit, burst, mode }: Policy,
  version: number,
): LiveLimit {
  const defined = {
    limit: own.limit,
    burst: own.burst,
    window: own.window,
    windowText: own.period.text,
    mode: own.mode,
  };
  return { policy: name, ...(key !== undefined && { key }), limit, burst, mode, defined, version };
}
