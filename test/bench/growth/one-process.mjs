import { measure } from '../measuring/cell.mjs';
import { startContender } from '../measuring/processes.mjs';

const HOUR = 3_600_000;
const SITUATION = { contender: 'fixed-window', keys: 10_000, inFlight: 64, limit: 5_000, windows: [HOUR] };

export const keys = {
  id: 'growth-keys',
  title: 'Keys: one fixed window, 64 in flight',
  x: 'keys',
  open: (setup) => {
    const counts = setup.quick ? [1e3, 1e4, 1e5] : [1e3, 1e4, 1e5, 1e6];
    return steps(setup, counts, (count) => ({ keys: count }));
  },
};

export const policies = {
  id: 'growth-policies',
  title: 'Policies per request: fixed windows, 64 in flight, 10,000 keys',
  x: 'policies',
  open: (setup) =>
    steps(setup, [1, 2, 3, 5, 10], (count) => ({ windows: Array.from({ length: count }, (_, i) => (i + 1) * HOUR) })),
};

export const inFlight = {
  id: 'growth-in-flight',
  title: 'In flight: one fixed window, 10,000 keys',
  x: 'in flight',
  open: (setup) => steps(setup, [1, 4, 16, 64, 256, 1_024], (many) => ({ inFlight: many })),
};

/** Each step with a process and a database of its own, in which all of its keys exist before it is measured. */
async function steps({ url, server, lengths, pinned }, xs, situation) {
  const opened = [];
  for (const [i, x] of xs.entries()) {
    const process = await startContender({ ...SITUATION, ...situation(x), pinned, url: `${url}/${i}` });
    await process.run(lengths.warmUp);
    opened.push({
      x,
      measure: async (length) => {
        const garbage = await process.garbage(lengths.leadIn);
        const { surprises, done, sent, executed, ...figures } = await measure(server, () => process.run(length));
        return { ...figures, garbage, unanswered: surprises };
      },
      close: () => process.close(),
    });
  }
  return opened;
}
