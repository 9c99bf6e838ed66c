/** Something that is to be given up at a moment, unless it was answered before. */
export interface Pending {
  /** On the monotonic clock, in milliseconds. */
  readonly deadline: number;
  readonly answered: boolean;
  giveUp(): void;
}

/** How many are held before the answered ones among them are looked for. */
const ROOM = 1_024;

/**
 * Gives up what was not answered in time. All spans are alike, so what came first is due first, and one timer, armed
 * for the oldest, serves everything that waits.
 */
export class Deadlines {
  private pending: Pending[] = [];
  private full = ROOM;
  private timer: NodeJS.Timeout | undefined;

  add(pending: Pending): void {
    this.pending.push(pending);
    if (this.pending.length >= this.full) this.dropAnswered();
    if (!this.timer) this.arm();
  }

  /** What is answered need not be held until the oldest is due. Rare enough to cost nothing per request. */
  private dropAnswered(): void {
    this.pending = this.pending.filter(({ answered }) => !answered);
    this.full = Math.max(ROOM, 2 * this.pending.length);
  }

  private arm(): void {
    const delay = Math.max(1, Math.ceil((this.pending[0]?.deadline ?? 0) - performance.now()));
    // Whoever waits holds a socket open; a process with nothing else to do need not wait for this.
    this.timer = setTimeout(() => this.expire(), delay).unref();
  }

  private expire(): void {
    const now = performance.now();
    const next = this.pending.findIndex(({ answered, deadline }) => !answered && deadline > now);
    const over = next < 0 ? this.pending : this.pending.slice(0, next);
    this.pending = next < 0 ? [] : this.pending.slice(next);
    this.timer = undefined;
    if (this.pending.length > 0) this.arm();
    for (const pending of over) if (!pending.answered) pending.giveUp();
  }
}
