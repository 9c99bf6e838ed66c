import type { Hit } from '../../core/hit.js';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import type { Decision } from '../../core/decision.js';
import { Caller } from './caller.js';
import { Line } from './line.js';
import { closed } from './wait-error.js';
import type { WaitTerms } from './wait-options.js';

/** How many calls one limiter lets wait. */
const MOST_IN_ALL = 10_000;
/** How many of them may wait for one quota. */
const MOST_PER_QUOTA = 1_000;

type Quota = Pick<Hit, 'policy' | 'key'>;

/** All calls of one limiter that wait. */
export class WaitingRoom {
  private readonly callers = new Set<Caller>();
  private readonly perQuota = new Map<string, number>();
  private readonly lines = new Map<string, Line>();
  private readonly errands = new Set<Promise<void>>();
  private arrivals = 0;
  private isClosed = false;

  /** @throws RateLimitError `RL_WAIT_CLOSED`, and the reason of a signal that is aborted */
  arrive({ cost, timeout, signal }: WaitTerms): Caller {
    if (this.isClosed) throw closed();
    signal?.throwIfAborted();
    return new Caller(++this.arrivals, cost, timeout, signal);
  }

  /** Whether a call of this process waits for a quota. */
  isAwaited({ policy, key }: Quota): boolean {
    return this.perQuota.size > 0 && this.perQuota.has(quotaOf(policy.id, key));
  }

  /**
   * Runs `wait` as a caller of the room, and turns it away if the room closes.
   *
   * @throws RateLimitError `RL_WAIT_FULL`, `RL_WAIT_CLOSED`
   */
  async admit<T>(caller: Caller, { policy, key }: Quota, wait: () => Promise<T>): Promise<T> {
    if (this.isClosed) throw closed();
    const quota = quotaOf(policy.id, key);
    const others = this.perQuota.get(quota) ?? 0;
    if (others >= MOST_PER_QUOTA || this.callers.size >= MOST_IN_ALL) throw full({ policy, key });
    this.callers.add(caller);
    this.perQuota.set(quota, others + 1);
    try {
      return await wait();
    } finally {
      this.callers.delete(caller);
      this.leave(quota);
    }
  }

  /** The line of a quota, if calls wait in it. */
  lineOf({ policy, key }: Quota): Line | undefined {
    return this.lines.get(quotaOf(policy.id, key));
  }

  /** The same; a denial opens one. */
  lineAfter(decision: Decision, { policy, key, cost }: Hit): Line {
    const quota = quotaOf(policy.id, key);
    const line = this.lines.get(quota) ?? new Line(policy, key, decision, cost);
    this.lines.set(quota, line);
    return line;
  }

  /** Work that the room must see done before it closes. Its failure is ignored. */
  run(errand: Promise<unknown>): void {
    const done: Promise<void> = errand.then(
      () => undefined,
      () => undefined,
    );
    this.errands.add(done);
    void done.then(() => this.errands.delete(done));
  }

  private leave(quota: string): void {
    const others = this.perQuota.get(quota)! - 1;
    if (others > 0) this.perQuota.set(quota, others);
    else this.perQuota.delete(quota);
    if (this.lines.get(quota)?.isEmpty) this.lines.delete(quota);
  }

  /** Turns all callers away. Turns that were taken are given back first. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const caller of this.callers) caller.turnAway(closed());
    // What turning away leaves to be done begins some microtasks later.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.errands.size > 0) await Promise.all(this.errands);
  }
}

const quotaOf = (id: string, key: string): string => `${id}\n${key}`;

const full = ({ policy, key }: Quota): RateLimitError =>
  new RateLimitError(
    'RL_WAIT_FULL',
    `${policy.name}: too many calls wait for ${shown(key)} (${MOST_PER_QUOTA}), or in this process (${MOST_IN_ALL}); ` +
      'start less work at once, or keep it in a queue',
  );
