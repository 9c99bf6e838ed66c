import { isClusterClient } from './client.js';
import { giveBackSocketTimeout, takeSocketTimeout, trafficOf, type EventfulClient } from './quirks.js';

// Those of Node.js: fake timers in an application's tests let minutes pass before a reply can be read.
const { setInterval, clearInterval } = globalThis;

/** How many looks at a connection make up its span. */
const LOOKS = 4;

/** In milliseconds: the shortest time between two looks. */
const SHORTEST_PAUSE = 20;

/**
 * Closes each connection of a client, or of a Cluster's nodes, on which commands wait for a reply and nothing arrives
 * for the span `socketTimeout`. The client then connects again. ioredis does the same by itself, but with a timer and a
 * listener for every command.
 *
 * Call it before the client has connected.
 */
export function closeSilentConnections(client: EventfulClient): void {
  if (isClusterClient(client)) return client.on('+node', closeSilentConnections);
  const span = takeSocketTimeout(client);
  if (span === undefined) return;
  let watch: NodeJS.Timeout | undefined;
  client.on('connect', () => (watch = watched(client, span)));
  client.on('close', () => clearInterval(watch));
}

function watched(client: EventfulClient, span: number): NodeJS.Timeout | undefined {
  const traffic = trafficOf(client);
  if (!traffic) return giveBackSocketTimeout(client, span);
  const pause = Math.max(SHORTEST_PAUSE, Math.ceil(span / LOOKS));
  const looks = Math.ceil(span / pause);
  // Looks are counted, not time. So a long turn of the application, in which no reply is read, counts as one look.
  let left = 0;
  let seen: number | undefined;
  const look = (): void => {
    const received = traffic.waiting() > 0 ? traffic.received() : undefined;
    if (received === undefined || received !== seen) left = looks;
    else if (--left === 0) traffic.close(`Socket timeout. Expecting data, but didn't receive any in ${span}ms.`);
    seen = received;
  };
  look();
  return setInterval(look, pause).unref();
}
