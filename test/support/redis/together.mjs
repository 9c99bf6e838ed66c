import { launch } from './launch.mjs';

/**
 * Starts servers that are to find each other at 127.0.0.1, where the tests find them too.
 * In a container their pids are the container's own.
 */
export async function launchTogether(kind, members, { runDir }) {
  if (!kind.image) return processes(kind, members, runDir);
  const { startInOneContainer } = await import('./shared-container.mjs');
  return startInOneContainer(kind, members, runDir);
}

async function processes(kind, members, runDir) {
  const results = await Promise.allSettled(members.map((member) => launch(kind, { ...member, runDir })));
  const servers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())));
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return { servers, stop };
  await stop();
  throw failed.reason;
}
