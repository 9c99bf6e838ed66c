import { measure } from './measuring/cell.mjs';
import { closedLoop } from './measuring/closed-loop.mjs';
import { callers } from './measuring/keys.mjs';
import { summarised } from './measuring/statistics.mjs';

/**
 * Measures one row: its contenders by turns, in several rounds, each of which another begins. What slows the machine
 * down for a while then slows all of them down.
 */
export async function compare(row, { url, server, rounds, seconds, warmUp, progress }) {
  await server.empty();
  const keys = callers(row.keys);
  const expected = !row.denied;
  const open = [];
  try {
    for (const [i, contender] of row.contenders.entries()) {
      progress.now(`${row.id}: warming up ${contender.id}`);
      // A database each: none finds another's keys.
      const { decide, close } = await contender.open({ ...row, url: `${url}/${i}` });
      open.push({ contender, decide, close, rounds: [] });
      await touch(decide, keys);
      await closedLoop({ decide, keys, inFlight: row.inFlight, seconds: warmUp, expected });
    }
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < open.length; turn++) {
        const { contender, decide, rounds: figures } = open[(round + turn) % open.length];
        progress.now(`${row.id}: round ${round + 1} of ${rounds}, ${contender.id}`);
        const once = () => measure(server, { decide, keys, inFlight: row.inFlight, seconds, expected });
        figures.push(await asExpected(`${row.id}, ${contender.id}`, once));
      }
      if (round + 1 < rounds) progress.step(`${row.id}: round ${round + 1} of ${rounds}`);
    }
  } finally {
    for (const { close } of open) await close();
  }
  progress.step(`${row.id}: done`);

  const { id, title } = row;
  return {
    id,
    title,
    contenders: open.map(({ contender: { id, label, kind }, rounds }) => ({ id, label, kind, ...summarised(rounds) })),
  };
}

/** Every key twice: all exist from then on, and a limit of 1 is used up. */
async function touch(decide, keys) {
  for (let at = 0; at < keys.length; at += 100) {
    const some = keys.slice(at, at + 100);
    await Promise.all(some.map(decide));
    await Promise.all(some.map(decide));
  }
}

/** A round in which something else was answered, or by somebody else, measured something else: once more, then. */
async function asExpected(what, measureOnce) {
  for (let tries = 1; ; tries++) {
    const { surprises, ...figures } = await measureOnce();
    if (surprises === 0) return figures;
    if (tries === 3) throw new Error(`${what}: ${surprises} answers were not the expected ones`);
  }
}
