import { nameOf } from './client.js';
import { noteTold, withFix } from './failures.js';
import { connectNodes, endSocketTimer, primariesOf, quietenSubscribers, type EventfulClient } from './quirks.js';

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
      // A new connection: the reason why the last one failed no longer holds.
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
