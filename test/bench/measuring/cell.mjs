import { closedLoop } from './closed-loop.mjs';
import { Allocations } from './garbage.mjs';
import { difference } from './server.mjs';
import { quantile } from './statistics.mjs';

/**
 * One contender in one situation, once: what this process can tell of it.
 *
 * Nothing is collected before. A forced collection throws compiled code away and makes the young generation small
 * again, and a cell of a second would measure how both come back.
 */
export async function cell(load, length) {
  const { done, elapsed, microseconds, latencies, surprises } = await closedLoop(load, length);
  return {
    done,
    perSecond: done / elapsed,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    p999: quantile(latencies, 0.999),
    appCpu: microseconds / done,
    surprises,
  };
}

/**
 * The bytes that are allocated for a decision. Not in the same cell: reading the heap at each collection makes that
 * longer, and the 99th percentile with it, from 0.56 ms to 0.84.
 */
export async function garbage(load, length) {
  const allocations = new Allocations();
  allocations.start();
  const { done } = await closedLoop(load, length);
  return allocations.stop() / done;
}

/** The figures of a cell, and what it cost Redis. @param run gives the figures of a cell, of this process or of another */
export async function measure(server, run) {
  const before = await server.read();
  const figures = await run();
  return { ...figures, ...perDecision(difference(before, await server.read()), figures.done) };
}

export const perDecision = ({ microseconds, sent, executed }, done) => ({
  redisCpu: microseconds / done,
  sent: sent / done,
  executed: executed / done,
});
