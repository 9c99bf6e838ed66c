import { randomUUID } from 'node:crypto';
import {
  blockConformance,
  blockListConformance,
  holdConformance,
  storeConformance,
} from 'nestjs-redis-rate-limit/conformance';
import type { BlockingStore } from '../../libs/rate-limit/src/core/blocks/blocking-store.js';
import type { BlockListingStore } from '../../libs/rate-limit/src/core/blocks/blocked-caller.js';
import type { HoldingStore } from '../../libs/rate-limit/src/core/holds/holding-store.js';
import { DenialCacheStore } from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
import { serverKinds, sharedRedis, startRedis, type Server } from '../support/redis/servers.js';

/** How busy the machine is, is no part of what is tested: with 250 ms the laws failed now and then under load. */
const timeout = 10_000;

const all = (open: (now: () => number) => BlockingStore & BlockListingStore & HoldingStore) => [
  ...storeConformance(open),
  ...blockConformance(open),
  ...blockListConformance(open),
  ...holdConformance(open),
];

describe('MemoryStore', () => {
  for (const { sentence, check } of all((now) => new MemoryStore({ now }))) it(sentence, check);
});

describe('MemoryStore, with denials remembered', () => {
  const laws = all((now) => new DenialCacheStore(new MemoryStore({ now }), { now, maxAge: 60_000 }));
  for (const { sentence, check } of laws) it(sentence, check);
});

describe(`RedisStore on the run's server, ioredis 6`, () => {
  let open: (now: () => number) => RedisStore;
  beforeAll(() => {
    const client = connectTo(sharedRedis().url);
    open = (now) => new RedisStore(client, { now, timeout, prefix: `test-${randomUUID()}` });
  });
  afterAll(closeClients);

  for (const { sentence, check } of all((now) => open(now))) it(sentence, check);

  describe('with denials remembered', () => {
    const laws = all((now) => new DenialCacheStore(open(now), { now, maxAge: 60_000 }));
    for (const { sentence, check } of laws) it(sentence, check);
  });
});

describe.each(serverKinds())('RedisStore on $label, ioredis 5', (kind) => {
  let server: Server;
  let open: (now: () => number) => RedisStore;
  beforeAll(async () => {
    server = await startRedis({ kind });
    const client = connectWithIoredis5(server.url);
    open = (now) => new RedisStore(client, { now, timeout });
  });
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  for (const { sentence, check } of all((now) => open(now))) it(sentence, check);
});
