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

/** Undocumented properties of a client that is not a Cluster. */
interface Inside {
  commandQueue?: { length?: unknown };
  stream?: { bytesRead?: unknown; destroy(error: Error): void };
  options: { socketTimeout?: number };
}

/** The traffic of a connection. */
export interface Traffic {
  /** The number of commands that wait for a reply. */
  waiting(): number;
  /** The number of bytes that have arrived. */
  received(): number;
  close(reason: string): void;
}

/** The traffic of a client's present connection; `undefined` if this version of ioredis, or its socket, does not count it. */
export function trafficOf(client: EventfulClient): Traffic | undefined {
  const inside = client as unknown as Inside;
  const { commandQueue, stream } = inside;
  if (typeof commandQueue?.length !== 'number' || typeof stream?.bytesRead !== 'number') return undefined;
  return {
    waiting: () => inside.commandQueue?.length as number,
    received: () => stream.bytesRead as number,
    close: (reason) => stream.destroy(new Error(reason)),
  };
}

/** Takes the option from a client that has not connected yet. ioredis reads the option at every command. */
export function takeSocketTimeout(client: EventfulClient): number | undefined {
  const { options } = client as unknown as Inside;
  const { socketTimeout } = options;
  options.socketTimeout = undefined;
  return socketTimeout;
}

export function giveBackSocketTimeout(client: EventfulClient, socketTimeout: number): undefined {
  (client as unknown as Inside).options.socketTimeout = socketTimeout;
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
