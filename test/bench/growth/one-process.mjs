import { deciding, openStore, policiesFor } from '../contenders/ours.mjs';
import { measure } from '../measuring/cell.mjs';
import { closedLoop } from '../measuring/closed-loop.mjs';
import { callers } from '../measuring/keys.mjs';

const HOUR = 3_600_000;
const MANY = 10_000;
const LIMIT = 5_000;

export const keys = {
  id: 'growth-keys',
  title: 'Keys: one fixed window, 64 in flight',
  x: 'keys',
  open: (setup) => {
    const counts = setup.quick ? [1e3, 1e4, 1e5] : [1e3, 1e4, 1e5, 1e6];
    return steps(setup, counts, (count) => ({ count, inFlight: 64, windows: [HOUR] }));
  },
};

export const policies = {
  id: 'growth-policies',
  title: 'Policies per request: fixed windows, 64 in flight, 10,000 keys',
  x: 'policies',
  open: (setup) =>
    steps(setup, [1, 2, 3, 5, 10], (count) => ({
      count: MANY,
      inFlight: 64,
      windows: Array.from({ length: count }, (_, i) => (i + 1) * HOUR),
    })),
};

export const inFlight = {
  id: 'growth-in-flight',
  title: 'In flight: one fixed window, 10,000 keys',
  x: 'in flight',
  open: (setup) =>
    steps(setup, [1, 4, 16, 64, 256, 1_024], (many) => ({ count: MANY, inFlight: many, windows: [HOUR] })),
};

/** Each step with a store and a database of its own, in which all of its keys exist before it is measured. */
async function steps({ url, server }, xs, situation) {
  const longest = callers(Math.max(...xs.map((x) => situation(x).count)));
  const opened = [];
  for (const [i, x] of xs.entries()) {
    const { count, inFlight, windows } = situation(x);
    const { store, close } = await openStore(`${url}/${i}`);
    const decide = deciding(store, policiesFor({ limit: LIMIT, windows }));
    const keys = longest.slice(0, count);
    for (let at = 0; at < count; at += 500) await Promise.all(keys.slice(at, at + 500).map(decide));
    await closedLoop({ decide, keys, inFlight, seconds: 0.2 });
    opened.push({
      x,
      measure: async (seconds) => {
        const { surprises, sent, executed, reads, ...figures } = await measure(server, {
          decide,
          keys,
          inFlight,
          seconds,
        });
        return { ...figures, unanswered: surprises };
      },
      close,
    });
  }
  return opened;
}
