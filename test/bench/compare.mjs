import { measure } from './measuring/cell.mjs';
import { startAll } from './measuring/processes.mjs';
import { summarised } from './measuring/statistics.mjs';

/**
 * Measures one row: its contenders by turns, in several rounds, each of which another begins. What slows the machine
 * down for a while then slows all of them down. Each has a process of its own.
 */
export async function compare(row, { url, server, rounds, lengths, pinned, progress }) {
  await server.empty();
  const length = { ...lengths.cell, seconds: Math.min(row.seconds ?? Infinity, lengths.cell.seconds) };
  progress.now(`${row.id}: starting ${row.contenders.length} contenders`);
  // A database each: none finds another's keys.
  const situations = row.contenders.map((contender, i) => situationOf(row, contender, { url: `${url}/${i}`, pinned }));
  const processes = await startAll(situations);
  const open = row.contenders.map((contender, i) => ({ contender, process: processes[i], rounds: [] }));
  try {
    for (const { contender, process } of open) {
      progress.now(`${row.id}: warming up ${contender.id}`);
      await process.run(lengths.warmUp);
    }
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < open.length; turn++) {
        const { contender, process, rounds: figures } = open[(round + turn) % open.length];
        progress.now(`${row.id}: round ${round + 1} of ${rounds}, ${contender.id}`);
        // First, after its rest while the others had their turns.
        const garbage = await process.garbage(lengths.leadIn);
        const run = () => process.run(length);
        const once = () => (row.withoutRedis ? run() : measure(server, run));
        figures.push({ ...(await asExpected(`${row.id}, ${contender.id}`, once)), garbage });
      }
      if (round + 1 < rounds) progress.step(`${row.id}: round ${round + 1} of ${rounds}`);
    }
  } finally {
    for (const { process } of open) await process.close();
  }
  progress.step(`${row.id}: done`);

  const { id, name, title } = row;
  withoutTheLoop(open);
  return {
    ...{ id, name, title },
    contenders: open.map(({ contender: { id, label, kind }, rounds }) => ({ id, label, kind, ...summarised(rounds) })),
  };
}

/** What the process of a contender must know. */
function situationOf(row, { id, opens = id, situation }, { url, pinned }) {
  const { keys, inFlight, limit, windows, denied, every } = row;
  const given = { keys, inFlight, limit, windows, denied, every };
  return { ...given, contender: opens, pinned, url: row.withoutRedis ? undefined : url, ...situation };
}

/** Where the loop itself takes part: what each costs without it, round by round. */
function withoutTheLoop(open) {
  const loop = open.find(({ contender }) => contender.id === 'known')?.rounds;
  if (!loop) return;
  for (const { rounds } of open) {
    for (const [round, figures] of rounds.entries()) figures.own = Math.max(0, figures.appCpu - loop[round].appCpu);
  }
}

/** A round in which something else was answered, or by somebody else, measured something else: once more, then. */
async function asExpected(what, measureOnce) {
  for (let tries = 1; ; tries++) {
    const { surprises, done, ...figures } = await measureOnce();
    if (surprises === 0) return figures;
    if (tries === 3) throw new Error(`${what}: ${surprises} of ${done} answers were not the expected ones`);
  }
}
