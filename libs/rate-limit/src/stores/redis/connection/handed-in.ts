import { isClusterClient, type RedisClient } from './client.js';

/** What a client that was handed in does, and a limiter's should not: each with the option that ends it. */
export function dangersOf(client: RedisClient): string[] {
  const options = (client as { options?: Record<string, unknown> }).options ?? {};
  const isCluster = isClusterClient(client);
  const ofNode = isCluster ? ((options.redisOptions as Record<string, unknown> | undefined) ?? {}) : options;
  const sendsTwice = isCluster ? options.retryDelayOnFailover !== 0 : options.autoResendUnfulfilledCommands !== false;
  const isPatient = !ofNode.socketTimeout;
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
    Boolean(options.sentinels) &&
      !options.failoverDetector &&
      'may ask a primary that Sentinel has replaced for seconds more, whose charges are lost: make it with failoverDetector: true',
  ].filter((danger) => danger !== false);
}
