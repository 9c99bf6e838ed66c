/**
 * Ends what a run has started and not stopped, however the run ended: Jest kills workers, people kill Jest.
 *
 * node reaper.mjs FOLDER: waits until its standard input closes, which the death of its parent does too,
 * then ends every server that left a pid or a container's id in FOLDER, and removes FOLDER.
 */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { signal } from './processes.mjs';

const folder = process.argv[2];
process.stdin.resume();
process.stdin.once('close', async () => {
  const left = (name) => readdirSync(folder).flatMap((each) => read(join(folder, each, name)));
  for (const pid of left('pid')) signal(Number(pid), 'SIGKILL');
  await removeContainers(left('container'));
  rmSync(folder, { recursive: true, force: true });
});

async function removeContainers(ids) {
  if (ids.length === 0) return;
  const { getContainerRuntimeClient } = await import('testcontainers');
  const { container } = await getContainerRuntimeClient();
  await Promise.allSettled(ids.map((id) => container.getById(id).remove({ force: true, v: true })));
}

function read(file) {
  try {
    return [readFileSync(file, 'utf8').trim()].filter(Boolean);
  } catch {
    return [];
  }
}
