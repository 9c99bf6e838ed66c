import { isStoreUnavailable } from '../../core/errors.js';
import type { Held, HoldingStore } from '../../core/holds/holding-store.js';
import type { HoldEvent } from '../../core/observer.js';
import { saidBy } from '../../core/shown.js';
import type { Reports, SafeObserver } from '../observer/safe-observer.js';
import { RecurringWarnings } from '../recurring-warnings.js';
import { Alarm, type Alarms } from './alarms.js';

/** The most settlements that wait for the store. Each is about 300 bytes. */
const MOST_WAITING = 10_000;

/** In milliseconds: how long after a failure a settlement is tried again. The span doubles with each failure. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 5_000;

/** How many others each settlement that succeeds takes along. */
const HURRIED = 2;

/** In milliseconds: how long closing waits for settlements. */
const LONGEST_PARTING = 1_000;

/** Receives the beginnings and ends of holds. */
export type HoldListener = Pick<Reports, 'holdSettled' | 'holdExpired'> &
  Partial<Pick<SafeObserver, 'holdKept' | 'holdLeft'>>;

/** What {@link Settlements} needs beside the alarms. */
export interface SettlementsSettings {
  /** Throws if the store cannot hold. */
  readonly store: () => HoldingStore;
  readonly warn: (message: string) => void;
  /** Receives the ends of holds. */
  readonly observer?: HoldListener | undefined;
  readonly most?: number | undefined;
  /** How long closing waits, in milliseconds. */
  readonly parting?: number | undefined;
}

/** A hold that is settled, in parts. */
export interface Settled {
  readonly helds: readonly Held[];
  /** When it is over, by the clock of the alarms. */
  readonly leaseEnds: number;
  /** Receives the store's answer about a part. */
  note(part: number, isSettled: boolean): unknown;
}

/**
 * Settles holds. A settlement that the store does not answer is tried again in the background until the hold is over: it
 * counts once, however often it is sent.
 */
export class Settlements {
  /** By the hold. */
  private readonly waiting = new Map<string, Retry>();
  private readonly warnings: RecurringWarnings;
  /** How many ask the store, or will. */
  private asking = 0;
  private isClosing = false;
  private isClosed = false;
  private idle: (() => void) | undefined;

  constructor(
    readonly alarms: Alarms,
    private readonly settings: SettlementsSettings,
  ) {
    this.warnings = new RecurringWarnings(settings.warn, alarms.now);
  }

  /** How many wait for the store. */
  get size(): number {
    return this.waiting.size;
  }

  /**
   * Settles a part of a hold. The hold notes the answer of a later attempt.
   *
   * @throws StoreUnavailableError without an answer. It is tried again then
   */
  async settle(hold: Settled, part: number, cost: number): Promise<boolean> {
    try {
      return await this.ask(hold.helds[part]!, cost);
    } catch (error) {
      if (isStoreUnavailable(error)) this.wait(new Retry(this, hold, part, cost));
      throw error;
    } finally {
      this.answered();
    }
  }

  /** Work that ends in a settlement. It must not reject. */
  waitFor(work: Promise<void>): void {
    this.asking++;
    void work.then(() => this.answered());
  }

  /** Tries all that wait once more, for a second at most. Later failures are final. */
  async close(): Promise<void> {
    this.isClosing = true;
    for (const retry of this.waiting.values()) this.alarms.set(retry, this.alarms.now());
    if (this.isBusy) {
      let timer: NodeJS.Timeout | undefined;
      const { parting = LONGEST_PARTING } = this.settings;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, parting)));
      await Promise.race([late, new Promise<void>((resolve) => (this.idle = resolve))]);
      clearTimeout(timer);
    }
    this.isClosed = true;
    for (const retry of [...this.waiting.values()]) this.giveUp(retry, CLOSED);
  }

  /** @internal */
  async retry(retry: Retry): Promise<void> {
    const { held, cost } = retry;
    const name = nameOf(held);
    // To the end: those before it do not ask the store now.
    if (this.waiting.delete(name)) this.waiting.set(name, retry);
    try {
      const isSettled = await this.ask(held, cost);
      this.waiting.delete(name);
      retry.hold.note(retry.part, isSettled);
      this.hurry();
    } catch (error) {
      if (isStoreUnavailable(error)) this.wait(retry);
      else this.giveUp(retry, saidBy(error));
    } finally {
      this.answered();
    }
  }

  /** The store is back: some that wait go ahead, and when they are answered, some more. */
  private hurry(): void {
    let some = HURRIED;
    for (const retry of this.waiting.values()) {
      if (some-- === 0 || !retry.isSet) return;
      this.alarms.clear(retry);
      retry.ring();
    }
  }

  private async ask(held: Held, cost: number): Promise<boolean> {
    this.asking++;
    const isSettled = await this.settings.store().settle(held, cost);
    if (isSettled) this.settings.observer?.holdSettled?.(endOf(held, cost));
    return isSettled;
  }

  private answered(): void {
    this.asking--;
    if (!this.isBusy) this.idle?.();
  }

  private get isBusy(): boolean {
    return this.asking + this.waiting.size > 0;
  }

  private wait(retry: Retry): void {
    const name = nameOf(retry.held);
    const known = this.waiting.get(name);
    if (known && known !== retry) {
      // Code that settles again after a failure means the newer cost.
      known.cost = retry.cost;
      return;
    }
    if (this.isClosed) return this.giveUp(retry, CLOSED);
    const { most = MOST_WAITING } = this.settings;
    if (!known && this.waiting.size >= most) return this.giveUp(retry, `${most} others wait for the store already`);
    const delay = this.isClosing ? FIRST_DELAY : Math.min(FIRST_DELAY * 2 ** retry.failures++, LONGEST_DELAY);
    const due = this.alarms.now() + delay;
    if (due >= retry.hold.leaseEnds) return this.giveUp(retry, 'the store did not answer before the hold ended');
    this.waiting.set(name, retry);
    this.alarms.set(retry, due);
  }

  private giveUp(retry: Retry, why: string): void {
    const { policy } = retry.held;
    this.alarms.clear(retry);
    this.waiting.delete(nameOf(retry.held));
    this.warnings.warnOnce(
      'given up',
      () =>
        `${policy.name}: what a request has used could not be settled: ${why}. What was reserved for it stays charged.`,
    );
  }
}

/** A settlement that waits for the store. */
class Retry extends Alarm {
  failures = 0;

  constructor(
    private readonly settlements: Settlements,
    readonly hold: Settled,
    readonly part: number,
    public cost: number,
  ) {
    super();
  }

  get held(): Held {
    return this.hold.helds[this.part]!;
  }

  ring(): void {
    void this.settlements.retry(this);
  }
}

/** The end of a hold as it is reported. `cost` is `undefined` if the hold was lost. */
export const endOf = ({ policy, key, units = 0 }: Held, cost: number | undefined): HoldEvent => ({
  policy: policy.name,
  key,
  held: units,
  cost,
});

const CLOSED = 'the limiter was closed first';

const nameOf = ({ policy, key, id }: Held): string => `${id} ${policy.id}\n${key}`;
