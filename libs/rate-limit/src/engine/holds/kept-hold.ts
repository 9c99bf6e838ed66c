import { isStoreUnavailable } from '../../core/errors.js';
import { checkSettlement, type Held, type HoldingStore } from '../../core/holds/holding-store.js';
import { Alarm, type Alarms } from './alarms.js';
import { endOf, type HoldListener, type Settlements } from './settlements.js';

/** How long a hold is kept. */
export interface Keeping {
  /**
   * How long the store holds it without a renewal, in milliseconds. The `ttl` of its hits is this, or `longest` if that is
   * shorter.
   */
  readonly lease: number;
  /** How long it is kept at most, in milliseconds. Default: until it is settled. */
  readonly longest?: number;
  /** When its hits were sent, by {@link KeptHolds.now}. */
  readonly sentAt: number;
}

/** What all holds of a process share. */
export interface Surroundings {
  readonly alarms: Alarms;
  readonly settlements: Settlements;
  /** Receives the ends of holds. */
  readonly observer?: HoldListener | undefined;
  /** Throws if the store cannot hold. */
  readonly store: () => HoldingStore;
}

/** A lease is renewed after this part of it. While the store is away, it is tried again four times as often. */
const PART_BEFORE_RENEWAL = 1 / 3;
const PART_BEFORE_RETRY = 1 / 12;

/** What one request holds, under one policy or several. Its lease is renewed until it is settled or its time is over. */
export class KeptHold extends Alarm {
  /** Called once, when a part of it is lost: its time is over, it was freed by an operator, or its lease was not renewed. */
  onLost: (() => void) | undefined;
  private open: readonly Held[];
  /** Those that were reported as kept, and not yet as left. */
  private counted: readonly Held[] = NONE;
  private endsAt: number;
  /**
   * Until then the store surely holds it: counted from before the call.
   *
   * @internal
   */
  leaseEnds: number;
  private readonly lease: number;
  private isOver = false;
  private hasLost = false;
  /** The store's answers to its settlement. */
  private answers: (boolean | undefined)[] | undefined;
  private isAnswered = false;

  /** @internal */
  constructor(
    readonly helds: readonly Held[],
    { lease, longest = Infinity, sentAt }: Keeping,
    private readonly surroundings: Surroundings,
  ) {
    super();
    this.open = helds;
    this.lease = lease;
    this.endsAt = sentAt + longest;
    this.leaseEnds = sentAt + Math.min(lease, longest);
    if (helds.length > 0) this.sleep();
    const { holdKept } = surroundings.observer ?? {};
    if (!holdKept) return;
    this.counted = helds;
    for (const { policy } of helds) holdKept(policy.name);
  }

  /** Whether a part of it is lost. */
  get isLost(): boolean {
    return this.hasLost;
  }

  /**
   * Settles it. Renewals end.
   *
   * @param costs what was really used of each of `helds`
   * @returns whether all of it was open until now. Only the first answer counts
   * @throws RateLimitError `RL_COST_INVALID`: it stays open
   * @throws StoreUnavailableError without an answer in time. It is settled in the background then; you may call it again
   */
  async settle(costs: readonly number[]): Promise<boolean> {
    const { helds } = this;
    for (let i = 0; i < helds.length; i++) checkSettlement(helds[i]!, costs[i]);
    this.end();
    // Most requests hold one thing, and need no lists.
    const isSettled =
      helds.length === 1
        ? await this.settleOne(0, costs[0]!)
        : (await Promise.all(helds.map((_, i) => this.settleOne(i, costs[i]!)))).every((each) => each);
    if (this.isAnswered) return false;
    this.isAnswered = true;
    return isSettled;
  }

  /** The same in the background, and it never throws. `failed` receives mistakes, such as a cost that is not a number. */
  finish(costs: readonly number[], failed: (error: unknown) => void): void {
    this.settle(costs).catch((error: unknown) => {
      this.end();
      // Otherwise it is tried again already.
      if (!isStoreUnavailable(error)) failed(error);
    });
  }

  /**
   * Lets it last for another `ttl` milliseconds from now on.
   *
   * @returns whether all of it is open
   * @throws StoreUnavailableError
   */
  async extend(ttl: number): Promise<boolean> {
    if (this.isOver || this.hasLost) return false;
    await this.renew(this.surroundings.alarms.now() + ttl);
    return !this.hasLost && !this.isOver;
  }

  ring(): void {
    const { alarms } = this.surroundings;
    const now = alarms.now();
    if (now >= Math.min(this.leaseEnds, this.endsAt)) return this.lose();
    // An answer sets it for the next renewal. Without one the lease runs out.
    alarms.set(this, Math.min(this.leaseEnds, this.endsAt));
    this.renew(this.endsAt).catch(() => {
      if (this.place < 0) return;
      const next = alarms.now() + this.lease * PART_BEFORE_RETRY;
      alarms.set(this, Math.min(this.leaseEnds, this.endsAt, next));
    });
  }

  private async renew(endsAt: number): Promise<void> {
    const sentAt = this.surroundings.alarms.now();
    const ttl = Math.min(this.lease, Math.max(1, Math.ceil(endsAt - sentAt)));
    const store = this.surroundings.store();
    const asked = this.open;
    const answers = await Promise.all(asked.map((held) => store.renew(held, ttl)));
    if (this.isOver) return;
    this.open = asked.filter((_, i) => answers[i]);
    this.endsAt = endsAt;
    this.leaseEnds = sentAt + ttl;
    if (this.open.length < asked.length) this.noteLoss(asked.filter((_, i) => !answers[i]));
    if (this.open.length > 0) this.sleep();
    else this.surroundings.alarms.clear(this);
  }

  /** Until the next renewal, or until its time is over. */
  private sleep(): void {
    const isLast = this.leaseEnds >= this.endsAt;
    const due = isLast ? this.endsAt : this.leaseEnds - this.lease * (1 - PART_BEFORE_RENEWAL);
    this.surroundings.alarms.set(this, due);
  }

  /**
   * Notes the store's answer to the settlement of a part.
   *
   * @internal
   */
  note(place: number, isSettled: boolean): boolean {
    const answers = (this.answers ??= []);
    answers[place] ??= isSettled;
    return isSettled;
  }

  private async settleOne(place: number, cost: number): Promise<boolean> {
    const known = this.answers?.[place];
    return known ?? this.note(place, await this.surroundings.settlements.settle(this, place, cost));
  }

  private end(): void {
    this.isOver = true;
    this.surroundings.alarms.clear(this);
    if (this.counted.length > 0) this.leave(this.counted);
  }

  private lose(): void {
    this.surroundings.alarms.clear(this);
    this.noteLoss(this.open);
  }

  private noteLoss(lost: readonly Held[]): void {
    const { observer } = this.surroundings;
    if (this.counted.length > 0) this.leave(lost);
    if (observer?.holdExpired) for (const held of lost) observer.holdExpired(endOf(held, undefined));
    if (this.hasLost) return;
    this.hasLost = true;
    this.onLost?.();
  }

  /** Each is reported once, however it ends. */
  private leave(left: readonly Held[]): void {
    const gone = this.counted.filter((held) => left.includes(held));
    this.counted = this.counted.filter((held) => !left.includes(held));
    for (const { policy } of gone) this.surroundings.observer?.holdLeft?.(policy.name);
  }
}

const NONE: readonly Held[] = [];
