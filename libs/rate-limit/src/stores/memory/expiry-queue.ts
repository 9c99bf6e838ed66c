/** Something that expires at a known time. */
export interface Expiring {
  expiresAt: number;
}

/**
 * Finds what has expired, soonest first, in logarithmic time: a binary heap that holds each item once. An item whose
 * expiry was postponed moves to its new place in the heap when the old time comes up.
 */
export class ExpiryQueue<Item extends Expiring> {
  private readonly heap: { item: Item; due: number }[] = [];

  get size(): number {
    return this.heap.length;
  }

  add(item: Item): void {
    const entry = { item, due: item.expiresAt };
    let place = this.heap.push(entry) - 1;
    for (let parent; place > 0 && this.heap[(parent = (place - 1) >> 1)]!.due > entry.due; place = parent) {
      this.heap[place] = this.heap[parent]!;
    }
    this.heap[place] = entry;
  }

  /** Removes and returns an item that has expired, if any has: the first by the time that was known when it was put in its place. */
  takeExpired(now: number): Item | undefined {
    for (let first; (first = this.heap[0]) && first.due <= now;) {
      this.removeFirst();
      if (first.item.expiresAt <= now) return first.item;
      this.add(first.item);
    }
    return undefined;
  }

  private removeFirst(): void {
    const last = this.heap.pop()!;
    const size = this.heap.length;
    if (size === 0) return;
    let place = 0;
    for (let child; (child = 2 * place + 1) < size; place = child) {
      if (child + 1 < size && this.heap[child + 1]!.due < this.heap[child]!.due) child++;
      if (this.heap[child]!.due >= last.due) break;
      this.heap[place] = this.heap[child]!;
    }
    this.heap[place] = last;
  }
}
