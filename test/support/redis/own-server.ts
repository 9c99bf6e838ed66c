import type { Redis } from 'ioredis';
import { closeClients, connectTo } from '../clients.js';
import { startRedis, type Server } from './servers.js';

/** A server that the tests of a file have to themselves, and a client of it. */
export interface OwnServer {
  readonly url: string;
  readonly client: Redis;
}

/** Starts one before the tests of the file and stops it after them. It is empty before each test. */
export function ownServer(): OwnServer {
  let server: Server | undefined;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis();
    client = connectTo(server.url);
  });
  beforeEach(() => client.flushall());
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });
  return {
    get url() {
      return server!.url;
    },
    get client() {
      return client;
    },
  };
}
