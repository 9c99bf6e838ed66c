import { Redis, type RedisOptions } from 'ioredis';
import { Redis as Redis5, type RedisOptions as Redis5Options } from 'ioredis-5';

const opened: { disconnect(): void }[] = [];

/** A client that `closeClients` closes, so that a failing test does not hang the run. */
export function connectTo(url: string, options: RedisOptions = {}): Redis {
  const client = new Redis(url, options);
  opened.push(client);
  client.on('error', () => {});
  return client;
}

/** The same of ioredis 5, which most people have. */
export function connectWithIoredis5(url: string, options: Redis5Options = {}): Redis5 {
  const client = new Redis5(url, options);
  opened.push(client);
  client.on('error', () => {});
  return client;
}

export function closeClients(): void {
  for (const client of opened.splice(0)) client.disconnect();
}
