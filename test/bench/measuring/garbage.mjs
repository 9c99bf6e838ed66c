import { getHeapStatistics, GCProfiler } from 'node:v8';

/**
 * How many bytes of the JavaScript heap are allocated while something runs, whether or not they are still in use.
 *
 * V8 does not count them, but reports how full the heap is before and after each collection. What was allocated since the
 * last one is the difference. Buffers' contents are outside of the heap, and are not counted.
 */
export class Allocations {
  #profiler = new GCProfiler();
  #before = 0;

  start() {
    this.#profiler.start();
    this.#before = used();
  }

  /** The bytes since the start. */
  stop() {
    const now = used();
    const { statistics } = this.#profiler.stop();
    return allocated(this.#before, statistics, now);
  }
}

const used = () => getHeapStatistics().used_heap_size;

/** @param collections as `GCProfiler` reports them */
export function allocated(before, collections, after) {
  let bytes = 0;
  let last = before;
  for (const { beforeGC, afterGC } of collections) {
    // A collection that runs beside the program frees some before its own turn: that hides, but never counts twice.
    bytes += Math.max(0, beforeGC.heapStatistics.usedHeapSize - last);
    last = afterGC.heapStatistics.usedHeapSize;
  }
  return bytes + Math.max(0, after - last);
}
