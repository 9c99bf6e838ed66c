import { Redis } from 'ioredis';

/**
 * One question over one connection, answered within the time given or an error that says why not.
 * `whileLoading`: also of a server that is still loading its data.
 */
export async function ask(url, question, { within = 3000, whileLoading = false } = {}) {
  let cause;
  let timer;
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: !whileLoading,
  });
  client.on('error', (error) => (cause = error));
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${within} ms`)), within);
  });
  const answer = client.connect().then(() => question(client));
  // The loser of the race may fail later, with nobody listening.
  answer.catch(() => {});
  try {
    return await Promise.race([answer, tooLate]);
  } catch (error) {
    throw cause ?? error;
  } finally {
    clearTimeout(timer);
    // On a connection that failed, disconnecting leaves a timer behind that holds the process.
    if (client.status !== 'end') client.disconnect();
  }
}

/** What the server says it is: `{ name: 'valkey', version: '8.1.1', pid: 123 }`. */
export async function whatIs(client) {
  const info = await client.info('server');
  const field = (name) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
  // Valkey also tells a redis_version, the one it is compatible with.
  const name = field('server_name') ?? 'redis';
  return { name, version: field(`${name}_version`) ?? field('redis_version'), pid: Number(field('process_id')) };
}
