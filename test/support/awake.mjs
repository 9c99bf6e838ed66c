/** In milliseconds. */
const TICK = 5;

/**
 * A clock that goes on only while this process does: however long the machine keeps it from its work, a tick counts as
 * two at most. So a deadline can be tested to a fraction of a second on a machine that is busy with other things.
 */
export function awakeClock() {
  let time = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    time += Math.min(performance.now() - last, 2 * TICK);
    last = performance.now();
  }, TICK).unref();
  return { now: () => time, stop: () => clearInterval(timer) };
}
