import { setTimeout as sleep } from 'node:timers/promises';

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

/** Until as much time has passed by that clock: on a busy machine others need longer too, for whatever they have to do. */
export async function sleepAwake(span) {
  const clock = awakeClock();
  while (clock.now() < span) await sleep(TICK);
  clock.stop();
}
