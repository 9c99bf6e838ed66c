import { randomUUID } from 'node:crypto';
import { limitBookConformance } from 'nestjs-redis-rate-limit/conformance';
import { MemoryLimitBook } from '../../libs/rate-limit/src/stores/memory.limit-book.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

describe('MemoryLimitBook', () => {
  for (const { sentence, check } of limitBookConformance(() => new MemoryLimitBook())) it(sentence, check);
});

describe.each(serverKinds())('the limits of a RedisStore on $label', (kind) => {
  let server: Server;
  beforeAll(async () => {
    server = await startRedis({ kind });
  });
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  describe.each([
    { version: 6, connect: (url: string) => connectTo(url) },
    { version: 5, connect: (url: string) => connectWithIoredis5(url) },
  ])('ioredis $version', ({ connect }) => {
    const open = () => new RedisStore(connect(server.url), { prefix: randomUUID(), timeout: 20_000 }).limits;
    for (const { sentence, check } of limitBookConformance(open)) it(sentence, check);
  });
});
