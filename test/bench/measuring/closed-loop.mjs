import { setImmediate as turn } from 'node:timers/promises';

/** Not a divisor of any batch's size, so that every place in a batch has its turn. */
const EVERY = 7;
const MOST_SAMPLES = 1 << 20;
const samples = new Float64Array(MOST_SAMPLES);

/**
 * So many workers, each of which asks, waits for its answer, and asks again.
 *
 * @param decide answers a key with whether it was admitted
 * @param expected what every answer must be; others are counted as `surprises`
 * @returns the seconds it took, the application's CPU time and some of the latencies, a view that the next call reuses
 */
export async function closedLoop({ decide, keys, inFlight, seconds, expected = true }) {
  const every = inFlight < 8 ? 1 : EVERY;
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
  const until = began + seconds * 1_000;

  async function worker() {
    for (let own = 1; !over; own++) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
      const key = keys[Math.floor((random / 2 ** 32) * count)];
      if (issued++ % every === 0) {
        const asked = performance.now();
        if ((await decide(key)) !== expected) surprises++;
        const answered = performance.now();
        if (sampled < MOST_SAMPLES) samples[sampled++] = answered - asked;
        if (answered >= until) over = true;
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
