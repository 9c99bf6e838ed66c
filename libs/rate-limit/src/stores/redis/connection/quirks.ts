import { isClusterClient, type RedisClient } from './client.js';

/** What the limiter uses of an ioredis client beyond its commands. */
export type EventfulClient = RedisClient & {
  connect(): Promise<void>;
  on(event: 'error', listener: (error: Error & { code?: string; lastNodeError?: Error }) => void): void;
  on(event: 'connect' | 'ready' | 'close', listener: () => void): void;
  on(event: '+node', listener: (node: EventfulClient) => void): void;
  once(event: 'ready', listener: () => void): void;
  removeAllListeners(event: 'error'): EventfulClient;
};

// Works around behaviour of ioredis 5 and 6 that a limiter cannot use. Each function says what.

/**
 * Connects a Cluster's nodes. ioredis connects a node at its first command, and commands fail until it is connected.
 * This includes replicas that ioredis keeps, because a promoted replica must be ready at once.
 */
export function connectNodes(client: EventfulClient): void {
  for (const node of isClusterClient(client) ? (client.nodes('all') as EventfulClient[]) : []) {
    if (node.status === 'wait') node.connect().catch(() => undefined);
  }
}

/** Resolves when all primaries of a Cluster are connected. */
export async function primariesOf(client: EventfulClient): Promise<void> {
  if (!isClusterClient(client)) return;
  const waiting = (client.nodes('master') as EventfulClient[]).filter(({ status }) => status !== 'ready');
  await Promise.all(waiting.map((node) => new Promise<void>((resolve) => node.once('ready', resolve))));
}

/** ioredis 5 forgets this timer when a connection closes, and the timer then ends the next connection. */
export function endSocketTimer(client: EventfulClient & { socketTimeoutTimer?: NodeJS.Timeout }): void {
  client.on('close', () => {
    clearTimeout(client.socketTimeoutTimer);
    client.socketTimeoutTimer = undefined;
  });
}

interface HasSubscribers {
  connector?: { failoverDetector?: { sentinels?: { client?: EventfulClient }[] } };
}

/** Without a listener, ioredis writes to the console while a Sentinel that it subscribes to is down. */
export function quietenSubscribers(client: EventfulClient): void {
  for (const { client: subscriber } of (client as HasSubscribers).connector?.failoverDetector?.sentinels ?? []) {
    subscriber?.on('error', () => undefined);
  }
}
