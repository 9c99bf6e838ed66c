import { closedLoop } from './closed-loop.mjs';
import { collectGarbage } from './garbage.mjs';
import { difference } from './server.mjs';
import { quantile } from './statistics.mjs';

/** One contender in one situation, once: all figures of it. */
export async function measure(server, { decide, keys, inFlight, seconds, expected }) {
  collectGarbage();
  const before = await server.read();
  const loop = await closedLoop({ decide, keys, inFlight, seconds, expected });
  const redis = difference(before, await server.read());
  return {
    perSecond: loop.done / loop.elapsed,
    p50: quantile(loop.latencies, 0.5),
    p99: quantile(loop.latencies, 0.99),
    appCpu: loop.microseconds / loop.done,
    redisCpu: redis.microseconds / loop.done,
    sent: redis.sent / loop.done,
    executed: redis.executed / loop.done,
    reads: redis.reads / loop.done,
    surprises: loop.surprises,
  };
}
