import { isClusterClient, type RedisClient } from './client.js';

const TOO_OLD =
  'takes minutes to notice that its connection went silent, because ioredis before 5.4 has no socketTimeout: update ioredis';

/** ioredis 5.4 and later. Earlier versions ignore the option. */
const knowsSocketTimeout = (client: object): boolean => 'setSocketTimeout' in client;

/** What is unsafe about a client that the application passed, each with the option that fixes it. */
export function dangersOf(client: RedisClient): string[] {
  const options = (client as { options?: Record<string, unknown> }).options ?? {};
  const isCluster = isClusterClient(client);
  const ofNode = isCluster ? ((options.redisOptions as Record<string, unknown> | undefined) ?? {}) : options;
  const sendsTwice = isCluster ? options.retryDelayOnFailover !== 0 : options.autoResendUnfulfilledCommands !== false;
  const isPatient = !ofNode.socketTimeout;
  const isOld = !isCluster && !isPatient && !knowsSocketTimeout(client);
  const { status, mode } = client as { status?: string; mode?: string };
  return [
    status === 'end' && 'is closed, so no quota is shared: pass one that is open',
    (mode === 'subscriber' || mode === 'monitor') &&
      `is in ${mode} mode, in which Redis runs no commands: pass a separate client, as from duplicate()`,
    sendsTwice &&
      `sends commands again when its connection dies, which may charge requests twice: create it with ${isCluster ? 'retryDelayOnFailover: 0' : 'autoResendUnfulfilledCommands: false'}`,
    isPatient &&
      'takes minutes to notice that its connection went silent: create it with socketTimeout: 2000' +
        (isCluster ? ' in redisOptions' : ''),
    isOld && TOO_OLD,
    Boolean(options.sentinels) &&
      !options.failoverDetector &&
      'may use a primary for some seconds after Sentinel replaced it, and charges made there are lost: create it with failoverDetector: true',
  ].filter((danger) => danger !== false);
}
