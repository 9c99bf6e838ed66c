import { randomUUID } from 'node:crypto';
import { limitBookConformance } from 'nestjs-redis-rate-limit/conformance';
import { MemoryLimitBook } from '../../libs/rate-limit/src/stores/memory/memory.limit-book.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

describe('MemoryLimitBook', () => {
  for (const { sentence, check } of limitBookConformance(() => new MemoryLimitBook())) it(sentence, check);

  it('tells what changed and no more, unless that is more than a thousand changes', async () => {
    const book = new MemoryLimitBook();
    for (let i = 0; i < 5; i++) await book.write(`n${i}`, { limit: i });
    const { version } = (await book.changesSince(0))!;
    await book.write('n1', undefined);
    await book.write('n2', { limit: 20 });
    await book.write('n2', { limit: 21 });
    const { isWhole, entries } = (await book.changesSince(version))!;
    expect([isWhole, [...entries]]).toEqual([
      false,
      [
        ['n1', undefined],
        ['n2', { limit: 21, burst: undefined, version: version + 3 }],
      ],
    ]);
    for (let i = 3; i < 1_000; i++) await book.write('n2', { limit: i });
    expect(await book.changesSince(version)).toMatchObject({ isWhole: false });
    await book.write('n2', { limit: 1 });
    const whole = (await book.changesSince(version))!;
    expect([whole.isWhole, [...whole.entries.keys()].sort()]).toEqual([true, ['n0', 'n2', 'n3', 'n4']]);
    expect(await book.changesSince(version + 10_000)).toMatchObject({ isWhole: true });
  });
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
  ])('ioredis $version', ({ version, connect }) => {
    const open = () => new RedisStore(connect(server.url), { prefix: randomUUID(), timeout: 20_000 }).limits;
    // Whether a book is full the server's script judges, whatever the client: once on each server will do.
    const laws = limitBookConformance(open).filter(
      ({ sentence }) => version === 6 || !sentence.includes('a full book'),
    );
    for (const { sentence, check } of laws) it(sentence, check);
  });

  it('tell what changed and no more, unless that is a thousand changes', async () => {
    const book = new RedisStore(connectTo(server.url), { prefix: randomUUID(), timeout: 20_000 }).limits;
    for (let i = 0; i < 3; i++) await book.write(`n${i}`, { limit: i });
    const { version } = (await book.changesSince(0))!;
    for (let i = 0; i < 999; i++) await book.write('n2', { limit: i });
    const changes = (await book.changesSince(version))!;
    expect([changes.isWhole, [...changes.entries.keys()]]).toEqual([false, ['n2']]);
    await book.write('n2', { limit: 1 });
    const whole = (await book.changesSince(version))!;
    expect([whole.isWhole, [...whole.entries.keys()].sort()]).toEqual([true, ['n0', 'n1', 'n2']]);
  });
});
