import { oneLine } from '../../../core/shown.js';
import { isClusterClient, nameOf } from './client.js';
import { redisInvalid } from './connection-options.js';
import { noteTold, withFix } from './failures.js';
import { connectNodes, endSocketTimer, primariesOf, quietenSubscribers, type EventfulClient } from './quirks.js';

/** How long an application's start waits for news of its Redis. */
const FIRST_NEWS_WITHIN = 3_000;

/** How long a connection must hold until the next failure is news: one that flaps is not told of at every turn. */
const CALM = 10_000;

/**
 * Waits until the first attempt to connect has ended, well or not: an application starts without its Redis. From then
 * on it tells why the connection fails, once each time; that requests are decided again is for the store to tell.
 *
 * @throws RateLimitError `RL_REDIS_INVALID` if Node.js refuses the options: ioredis never tries those again
 */
export function firstNews(client: EventfulClient, tell: (news: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
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
      if (!isDown)
        tell(
          `${nameOf(client)} cannot be reached: ${why}. ${isPersistent(client) ? 'It is tried again until it can.' : 'It is not tried again: retryStrategy says so.'}`,
        );
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
    client.on('error', (error) => {
      if (isOfDatabase(error)) return tell(wrongDatabase(client, error));
      const { message, code, name, lastNodeError } = error;
      const said = lastNodeError?.message || message || code || name;
      const hint = /ETIMEDOUT/.test(said) && usesTls(client) ? ' (is there TLS at this port?)' : '';
      const mayBeOptions = isFirst && code?.startsWith('ERR_');
      const hear = (): void => {
        if (!mayBeOptions || client.status !== 'end') return failed(withFix(said) + hint);
        clearTimeout(patience);
        reject(redisInvalid(`Node.js does not take what redis says: ${oneLine(message)}`, { cause: error }));
      };
      // ioredis gives up for good over options that Node.js refuses, but tells of the error first.
      if (mayBeOptions) queueMicrotask(hear);
      else hear();
    });
    // Not before: while it looks for the nodes, ioredis takes one that is about to connect for one that is gone.
    client.on('+node', (node) => {
      endSocketTimer(node);
      if (client.status === 'ready') connectNodes(client);
    });
    // Options of the user's may have put it off.
    if (client.status === 'wait') client.connect().catch(() => undefined);
  });
}

const optionsOf = (client: EventfulClient): Record<string, unknown> =>
  (client as { options?: Record<string, unknown> }).options ?? {};

/** Whether it tries to connect as long as it must. */
const isPersistent = (client: EventfulClient): boolean =>
  typeof optionsOf(client)[isClusterClient(client) ? 'clusterRetryStrategy' : 'retryStrategy'] === 'function';

const usesTls = (client: EventfulClient): boolean => Boolean(optionsOf(client).tls);

type ReplyError = Error & { command?: { name?: string; args?: unknown[] } };

const isOfDatabase = ({ command }: ReplyError): boolean => command?.name === 'select';

/** ioredis says it once, and goes on in database 0. */
const wrongDatabase = (client: EventfulClient, { message, command }: ReplyError): string =>
  `${nameOf(client)} did not select database ${oneLine(String(command?.args?.[0]))}: ${withFix(message)}.`;
