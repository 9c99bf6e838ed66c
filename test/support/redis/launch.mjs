import { startProcess } from './process-server.mjs';

/** Starts a server of a kind, the same to its user whether it is a process or a container. */
export async function launch(kind, options) {
  if (!kind.image) return startProcess(kind, options);
  // Loaded only when needed: it brings the whole Docker client.
  const { startContainer } = await import('./container-server.mjs');
  return startContainer(kind, options);
}
