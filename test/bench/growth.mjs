import { inFlight, keys, policies } from './growth/one-process.mjs';
import { processes } from './growth/processes.mjs';
import { logs } from './growth/sliding-log.mjs';
import { summarised } from './measuring/statistics.mjs';

/**
 * How our own costs grow, one dimension at a time. The steps of a part are measured by turns, like contenders.
 *
 * A part opens its steps: each has an `x`, a `measure(length)` that gives figures, and a `close()`.
 */
export const growth = [keys, policies, inFlight, processes, logs];

export async function grow(part, { url, server, rounds, lengths, pinned, quick, progress }) {
  const { id, title, x } = part;
  await server.empty();
  progress.now(`${id}: preparing`);
  const steps = await part.open({ url, server, lengths, pinned, quick });
  const figures = steps.map(() => []);
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [i, step] of steps.entries()) {
        progress.now(`${id}: round ${round + 1} of ${rounds}, ${step.x} ${x}`);
        await server.timeScripts();
        const measured = await step.measure(lengths.cell);
        figures[i].push({ ...measured, ...(await server.scriptTimes()) });
      }
    }
  } finally {
    for (const { close } of steps) await close();
  }
  progress.step(`${id}: done`);
  return { id, title, x, steps: steps.map((step, i) => ({ x: step.x, ...summarised(figures[i]) })) };
}
