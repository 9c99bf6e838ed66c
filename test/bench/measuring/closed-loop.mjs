import { setImmediate as turn } from 'node:timers/promises';

/** Not a divisor of any batch's size, so that every place in a batch has its turn. */
const EVERY = 3;
const MOST_SAMPLES = 1 << 20;
const samples = new Float64Array(MOST_SAMPLES);

/**
 * A number of workers, each of which asks, waits for its answer, and asks again.
 *
 * @param load `decide` answers a key with whether it was admitted, or promises to. `expected` is what every answer must
 *   be; others are counted as `surprises`. One decision of every `every` is timed.
 * @param length it ends after `seconds` and `decisions`, whichever is later, but after `most` seconds in any case
 * @returns the seconds it took, the application's CPU time and some of the latencies, a view that the next call reuses
 */
export async function closedLoop(load, length) {
  const { decide, keys, inFlight, expected = true, every = inFlight < 8 ? 1 : EVERY } = load;
  const { seconds, decisions = 0, most = seconds } = length;
  const count = keys.length;
  let issued = 0;
  // The same callers in the same order for everybody, and in no order that repeats: that would starve any cache.
  let random = 1;
  let done = 0;
  let sampled = 0;
  let surprises = 0;
  let over = false;

  const cpu = process.cpuUsage();
  const began = performance.now();
  const soonest = began + seconds * 1_000;
  const latest = began + most * 1_000;

  async function worker() {
    for (let own = 1; !over; own++) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
      const key = keys[Math.floor((random / 2 ** 32) * count)];
      if (issued++ % every === 0) {
        const asked = performance.now();
        if ((await decide(key)) !== expected) surprises++;
        const answered = performance.now();
        if (sampled < MOST_SAMPLES) samples[sampled++] = answered - asked;
        if (answered >= latest || (answered >= soonest && done >= decisions)) over = true;
      } else if ((await decide(key)) !== expected) surprises++;
      done++;
      // An answer from memory needs no turn of the event loop; an application has one every now and then.
      if (own % 100 === 0) await turn();
    }
  }

  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsed = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { done, elapsed, microseconds: user + system, latencies: samples.subarray(0, sampled), surprises };
}
