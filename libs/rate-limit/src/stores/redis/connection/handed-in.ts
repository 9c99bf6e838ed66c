import { isClusterClient, type RedisClient } from './client.js';

export const TOO_OLD =
  'takes minutes to notice that its connection went silent, because ioredis before 5.4 has no socketTimeout: update ioredis';

/** ioredis 5.4 and later. Others take the option, and do nothing. */
export const knowsSocketTimeout = (client: object): boolean => 'setSocketTimeout' in client;

/** What a client that was handed in does, and a limiter's should not: each with the option that ends it. */
export function dangersOf(client: RedisClient): string[] {
  const options = (client as { options?: Record<string, unknown> }).options ?? {};
  const isCluster = isClusterClient(client);
  const ofNode = isCluster ? ((options.redisOptions as Record<string, unknown> | undefined) ?? {}) : options;
  const sendsTwice = isCluster ? options.retryDelayOnFailover !== 0 : options.autoResendUnfulfilledCommands !== false;
  const isPatient = !ofNode.socketTimeout;
  const isOld = !isCluster && !isPatient && !knowsSocketTimeout(client);
  const { status, mode } = client as { status?: string; mode?: string };
  return [
    status === 'end' && 'is closed, so no quota is shared: give one that is open',
    (mode === 'subscriber' || mode === 'monitor') &&
      `is in ${mode} mode, in which Redis runs no commands: give one of its own, as by duplicate()`,
    sendsTwice &&
      `sends commands again when its connection dies, which may charge requests twice: make it with ${isCluster ? 'retryDelayOnFailover: 0' : 'autoResendUnfulfilledCommands: false'}`,
    isPatient &&
      'takes minutes to notice that its connection went silent: make it with socketTimeout: 2000' +
        (isCluster ? ' in redisOptions' : ''),
    isOld && TOO_OLD,
    Boolean(options.sentinels) &&
      !options.failoverDetector &&
      'may ask a primary that Sentinel has replaced for seconds more, whose charges are lost: make it with failoverDetector: true',
  ].filter((danger) => danger !== false);
}
