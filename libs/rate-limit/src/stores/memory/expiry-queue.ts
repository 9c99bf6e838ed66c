/** Something that is over at a known time. */
export interface Expiring {
  expiresAt: number;
}

/**
 * Finds what is over, soonest first, in logarithmic time: a binary heap that holds each item once. An item whose
 * time was put off meanwhile goes back to its new place when its old one comes up.
 */
export class ExpiryQueue<Item extends Expiring> {
  private readonly heap: { item: Item; due: number }[] = [];

  get size(): number {
    return this.heap.length;
  }

  add(item: Item): void {
    const entry = { item, due: item.expiresAt };
    let at = this.heap.push(entry) - 1;
    for (let parent; at > 0 && this.heap[(parent = (at - 1) >> 1)]!.due > entry.due; at = parent) {
      this.heap[at] = this.heap[parent]!;
    }
    this.heap[at] = entry;
  }

  /** Takes an item that is over, if any is: the first by the time that was known when it was put in its place. */
  takeOver(now: number): Item | undefined {
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
    let at = 0;
    for (let child; (child = 2 * at + 1) < size; at = child) {
      if (child + 1 < size && this.heap[child + 1]!.due < this.heap[child]!.due) child++;
      if (this.heap[child]!.due >= last.due) break;
      this.heap[at] = this.heap[child]!;
    }
    this.heap[at] = last;
  }
}
