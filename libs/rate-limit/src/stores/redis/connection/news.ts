import { isClusterClient, nameOf, type RedisClient } from './client.js';
import { noteTold, withFix } from './failures.js';

export type EventfulClient = RedisClient & {
  connect(): Promise<void>;
  on(event: 'error', listener: (error: Error & { code?: string; lastNodeError?: Error }) => void): void;
  on(event: 'connect' | 'ready' | 'close', listener: () => void): void;
  on(event: '+node', listener: (node: EventfulClient) => void): void;
  once(event: 'ready', listener: () => void): void;
  removeAllListeners(event: 'error'): EventfulClient;
};

/** How long an application's start waits for news of its Redis. */
const FIRST_NEWS_WITHIN = 3_000;

/** How long a connection must hold until the next failure is news: one that flaps is not told of at every turn. */
const CALM = 10_000;

/**
 * Waits until the first attempt to connect has ended, well or not: an application starts without its Redis. From then
 * on it tells why the connection fails, once each time; that requests are decided again is for the store to tell.
 */
export function firstNews(client: EventfulClient, tell: (news: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let isFirst = true;
    let isDown = false;
    let calm: NodeJS.Timeout | undefined;
    const heard = (): void => {
      isFirst = false;
      clearTimeout(patience);
      resolve();
    };
    const failed = (why: string): void => {
      heard();
      clearTimeout(calm);
      noteTold(client, why);
      if (!isDown) tell(`${nameOf(client)} cannot be reached: ${why}. It is tried again until it can.`);
      isDown = true;
    };
    const patience = setTimeout(failed, FIRST_NEWS_WITHIN, 'it does not answer');
    endSocketTimer(client);
    client.on('connect', () => {
      // What is told from here on is of this connection.
      noteTold(client, '');
      quietenSubscribers(client);
    });
    client.on('ready', () => {
      connectNodes(client);
      if (isFirst) void primariesOf(client).then(heard);
      clearTimeout(calm);
      calm = setTimeout(() => (isDown = false), CALM).unref();
    });
    client.on('error', ({ message, code, name, lastNodeError }) =>
      failed(withFix(lastNodeError?.message || message || code || name)),
    );
    // Not before: while it looks for the nodes, ioredis takes one that is about to connect for one that is gone.
    client.on('+node', (node) => {
      endSocketTimer(node);
      if (client.status === 'ready') connectNodes(client);
    });
    // Options of the user's may have put it off.
    if (client.status === 'wait') client.connect().catch(() => undefined);
  });
}

/**
 * Connects a Cluster's nodes. By itself ioredis connects when a node is first asked, and what is asked meanwhile fails.
 * Those of replicas too, where ioredis keeps any: one that is made a primary is asked at once.
 */
function connectNodes(client: EventfulClient): void {
  for (const node of isClusterClient(client) ? (client.nodes('all') as EventfulClient[]) : []) {
    if (node.status === 'wait') node.connect().catch(() => undefined);
  }
}

/** Until all primaries of a Cluster can be asked. */
async function primariesOf(client: EventfulClient): Promise<void> {
  if (!isClusterClient(client)) return;
  const waiting = (client.nodes('master') as EventfulClient[]).filter(({ status }) => status !== 'ready');
  await Promise.all(waiting.map((node) => new Promise<void>((resolve) => node.once('ready', resolve))));
}

/** ioredis 5 forgets this timer when a connection closes, and ends the next one by it. */
function endSocketTimer(client: EventfulClient & { socketTimeoutTimer?: NodeJS.Timeout }): void {
  client.on('close', () => {
    clearTimeout(client.socketTimeoutTimer);
    client.socketTimeoutTimer = undefined;
  });
}

interface HasSubscribers {
  connector?: { failoverDetector?: { sentinels?: { client?: EventfulClient }[] } };
}

/** Those that listen to Sentinel: of one that is down ioredis would write to the console, for as long as it is. */
function quietenSubscribers(client: EventfulClient): void {
  for (const { client: subscriber } of (client as HasSubscribers).connector?.failoverDetector?.sentinels ?? []) {
    subscriber?.on('error', () => undefined);
  }
}
