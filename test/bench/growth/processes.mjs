import { perDecision } from '../measuring/cell.mjs';
import { startAll } from '../measuring/processes.mjs';
import { difference } from '../measuring/server.mjs';

const COUNTS = [1, 2, 3, 4];
const SITUATION = { contender: 'fixed-window', keys: 10_000, inFlight: 64, limit: 5_000, windows: [3_600_000] };

/** Processes of an application that share one Redis and its keys. */
export const processes = {
  id: 'growth-processes',
  title: 'Application processes on one Redis: one fixed window, 64 in flight in each, 10,000 keys',
  x: 'processes',
  async open({ url, server, lengths }) {
    const all = await startAll(Array.from({ length: Math.max(...COUNTS) }, () => ({ ...SITUATION, url })));
    for (const process of all) await process.run(lengths.warmUp);
    return COUNTS.map((x) => ({
      x,
      measure: (length) => together(all.slice(0, x), server, length),
      // Every process takes part in the last step.
      close: () => (x === all.length ? Promise.all(all.map((process) => process.close())) : undefined),
    }));
  },
};

async function together(processes, server, length) {
  const before = await server.read();
  const parts = await Promise.all(processes.map((process) => process.run(length)));
  const redis = difference(before, await server.read());
  const sum = (of) => parts.reduce((total, part) => total + of(part), 0);
  const done = sum((part) => part.done);
  return {
    perSecond: sum((part) => part.perSecond),
    p50: sum((part) => part.p50) / parts.length,
    p99: Math.max(...parts.map((part) => part.p99)),
    p999: Math.max(...parts.map((part) => part.p999)),
    appCpu: sum((part) => part.appCpu * part.done) / done,
    redisCpu: perDecision(redis, done).redisCpu,
    unanswered: sum((part) => part.surprises),
  };
}
