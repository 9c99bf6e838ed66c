/** Something that expires at a known time. */
export interface Expiring {
  expiresAt: number;
}

/**
 * Finds what has expired, soonest first, in logarithmic time: a binary heap that holds each item once. An item whose
 * expiry was postponed moves to its new place in the heap when the old time comes up.
 */
export class ExpiryQueue<Item extends Expiring> {
  private readonly items: Item[] = [];
  /** When each item was due when it was put in its place. In a list of their own, where numbers take no objects. */
  private readonly dues: number[] = [];

  get size(): number {
    return this.items.length;
  }

  add(item: Item): void {
    const { items, dues } = this;
    const due = item.expiresAt;
    let place = items.push(item) - 1;
    dues.push(due);
    for (let parent; place > 0 && dues[(parent = (place - 1) >> 1)]! > due; place = parent) {
      items[place] = items[parent]!;
      dues[place] = dues[parent]!;
    }
    items[place] = item;
    dues[place] = due;
  }

  /** Removes and returns an item that has expired, if any has: the first by the times when they were put in their places. */
  takeExpired(now: number): Item | undefined {
    while (this.dues.length > 0 && this.dues[0]! <= now) {
      const first = this.items[0]!;
      this.removeFirst();
      if (first.expiresAt <= now) return first;
      this.add(first);
    }
    return undefined;
  }

  private removeFirst(): void {
    const { items, dues } = this;
    const last = items.pop()!;
    const due = dues.pop()!;
    const size = items.length;
    if (size === 0) return;
    let place = 0;
    for (let child; (child = 2 * place + 1) < size; place = child) {
      if (child + 1 < size && dues[child + 1]! < dues[child]!) child++;
      if (dues[child]! >= due) break;
      items[place] = items[child]!;
      dues[place] = dues[child]!;
    }
    items[place] = last;
    dues[place] = due;
  }
}
