import { isClusterClient, type RedisClient } from './redis.client.js';
import { withFix } from './redis.failures.js';

export type EventfulClient = RedisClient & {
  connect(): Promise<void>;
  on(event: 'error' | 'ready' | 'end', listener: (error: Error & { code?: string }) => void): void;
  on(event: '+node', listener: () => void): void;
  once(event: 'ready', listener: () => void): void;
};

/** How long an application's start waits for news of its Redis. */
const FIRST_NEWS_WITHIN = 3_000;

/** How long a connection must hold until it is said to: one that flaps is not told of at every turn. */
const CALM = 1_000;

/**
 * Waits until the first attempt to connect has ended, well or not, and tells of every change from then on. An
 * application starts without its Redis.
 */
export function firstNews(client: EventfulClient, tell: (news: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const patience = setTimeout(() => heard(), FIRST_NEWS_WITHIN);
    let isDown = false;
    let isFirst = true;
    let calm: NodeJS.Timeout | undefined;
    const heard = (): void => {
      isFirst = false;
      clearTimeout(patience);
      resolve();
    };
    const up = (): void => {
      isDown = false;
      tell('Redis can be reached again.');
    };
    client.on('ready', () => {
      connectNodes(client);
      if (isFirst) void primariesOf(client).then(heard);
      clearTimeout(calm);
      if (isDown) calm = setTimeout(up, CALM).unref();
    });
    client.on('error', ({ message, code, name }) => {
      heard();
      clearTimeout(calm);
      if (!isDown)
        tell(`Redis cannot be reached (${withFix(message || code || name)}). It is tried again until it can.`);
      isDown = true;
    });
    // Not before: while it looks for the nodes, ioredis takes one that is about to connect for one that is gone.
    client.on('+node', () => client.status === 'ready' && connectNodes(client));
    // Options of the user's may have put it off.
    if (client.status === 'wait') client.connect().catch(() => undefined);
  });
}

/**
 * Connects a Cluster's nodes. By itself ioredis connects when a node is first asked, and what is asked meanwhile fails.
 * Replicas too, because one that is made a primary is asked at once.
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
