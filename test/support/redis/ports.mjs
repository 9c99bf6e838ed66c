import { createServer } from 'node:net';

/**
 * A port that nobody listens on, with the port 10000 above it free too: a cluster node's bus lives there.
 * Both lie below the range the system hands out for outgoing connections, so they stay free until used.
 */
export async function freePort() {
  for (let tries = 0; tries < 100; tries++) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
  throw new Error('no free port on 127.0.0.1 between 10000 and 19999');
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
