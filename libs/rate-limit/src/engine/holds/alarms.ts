/** Something that is due at a moment: in an {@link Alarms}, and out of it, any number of times. */
export abstract class Alarm {
  /** @internal */
  due = 0;
  /** @internal */
  place = -1;

  get isSet(): boolean {
    return this.place >= 0;
  }

  /** Called when it is due. It must not throw. */
  abstract ring(): void;
}

/** Calls back once after `ms`. Returns a function that cancels it. */
export type Wake = (callback: () => void, ms: number) => () => void;

/**
 * Alarms in the order in which they are due, with one timer for all of them. The timer does not keep the process alive.
 * Most alarms are cleared long before they are due, so one that is cleared leaves nothing behind.
 */
export class Alarms {
  /** A binary heap: no alarm is due before its parent, which is at (place - 1) / 2. */
  private readonly heap: Alarm[] = [];
  private wakesAt = Infinity;
  private cancel: (() => void) | undefined;

  constructor(
    /** A clock that never goes back, in milliseconds. */
    readonly now: () => number = () => performance.now(),
    private readonly wake: Wake = unreferenced,
  ) {}

  get size(): number {
    return this.heap.length;
  }

  /** Sets an alarm, also one that is set already. */
  set(alarm: Alarm, due: number): void {
    this.clear(alarm);
    alarm.due = due;
    this.heap.push(alarm);
    this.up(alarm, this.heap.length - 1);
    if (due < this.wakesAt) this.wakeAt(due);
  }

  clear(alarm: Alarm): void {
    const { place } = alarm;
    if (place < 0) return;
    alarm.place = -1;
    const last = this.heap.pop()!;
    if (last === alarm) return;
    this.up(last, place);
    this.down(last, last.place);
  }

  /** Clears all of them. */
  stop(): void {
    for (const alarm of this.heap.splice(0)) alarm.place = -1;
    this.cancel?.();
    this.wakesAt = Infinity;
  }

  private wakeAt(due: number): void {
    this.cancel?.();
    this.wakesAt = due;
    this.cancel = this.wake(() => this.ringDue(), Math.max(1, Math.ceil(due - this.now())));
  }

  private ringDue(): void {
    this.wakesAt = Infinity;
    this.cancel = undefined;
    const now = this.now();
    for (let first = this.heap[0]; first && first.due <= now; first = this.heap[0]) {
      this.clear(first);
      first.ring();
    }
    const next = this.heap[0];
    if (next && next.due < this.wakesAt) this.wakeAt(next.due);
  }

  private up(alarm: Alarm, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = this.heap[(place - 1) >> 1]!;
      if (parent.due <= alarm.due) break;
      this.put(parent, place);
      place = (place - 1) >> 1;
    }
    this.put(alarm, place);
  }

  private down(alarm: Alarm, from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const [one, other] = [this.heap[left], this.heap[left + 1]];
      const child = other && other.due < one!.due ? other : one;
      if (!child || child.due >= alarm.due) break;
      const next = child.place;
      this.put(child, place);
      place = next;
    }
    this.put(alarm, place);
  }

  private put(alarm: Alarm, place: number): void {
    this.heap[place] = alarm;
    alarm.place = place;
  }
}

function unreferenced(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
