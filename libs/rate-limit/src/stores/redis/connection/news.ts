import { oneLine } from '../../../core/shown.js';
import { isClusterClient, nameOf } from './client.js';
import { redisInvalid } from './connection-options.js';
import { noteTold, withFix } from './failures.js';
import { connectNodes, primariesOf, quietenSubscribers, type EventfulClient } from './quirks.js';

/** In milliseconds: how long an application's start waits for the first connection attempt. */
const FIRST_NEWS_WITHIN = 3_000;

/**
 * In milliseconds: how long a connection must last before its next failure is logged, so that a flapping one does not
 * flood the log.
 */
const CALM = 10_000;

/**
 * Waits until the first attempt to connect has succeeded or failed: an application also starts while Redis is down.
 * From then on it reports why the connection fails, once for each outage. The store reports when requests are decided
 * again.
 *
 * @throws RateLimitError `RL_REDIS_INVALID` if Node.js refuses the options, because ioredis does not retry then
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
          `${nameOf(client)} cannot be reached: ${why}. ${isPersistent(client) ? 'The connection is retried until it succeeds.' : 'The connection is not retried, because the retry strategy is not a function.'}`,
        );
      isDown = true;
    };
    const patience = setTimeout(failed, FIRST_NEWS_WITHIN, 'it does not answer');
    client.on('connect', () => {
      // A new connection: the reason of the last failure no longer applies.
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
        reject(redisInvalid(`Node.js refuses the redis options: ${oneLine(message)}`, { cause: error }));
      };
      // ioredis gives up if Node.js refuses the options, but emits the error before its status changes.
      if (mayBeOptions) queueMicrotask(hear);
      else hear();
    });
    // Not earlier: while ioredis discovers the nodes, it treats a node that is connecting as gone.
    client.on('+node', () => {
      if (client.status === 'ready') connectNodes(client);
    });
    // The option lazyConnect delays the connection.
    if (client.status === 'wait') client.connect().catch(() => undefined);
  });
}

const optionsOf = (client: EventfulClient): Record<string, unknown> =>
  (client as { options?: Record<string, unknown> }).options ?? {};

/** Whether the client keeps trying to connect. */
const isPersistent = (client: EventfulClient): boolean =>
  typeof optionsOf(client)[isClusterClient(client) ? 'clusterRetryStrategy' : 'retryStrategy'] === 'function';

const usesTls = (client: EventfulClient): boolean => Boolean(optionsOf(client).tls);

type ReplyError = Error & { command?: { name?: string; args?: unknown[] } };

const isOfDatabase = ({ command }: ReplyError): boolean => command?.name === 'select';

/** ioredis emits the error once, and continues in database 0. */
const wrongDatabase = (client: EventfulClient, { message, command }: ReplyError): string =>
  `${nameOf(client)} did not select database ${oneLine(String(command?.args?.[0]))}: ${withFix(message)}.`;
