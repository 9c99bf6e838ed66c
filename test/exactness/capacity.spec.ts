import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { RateLimiter, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { algorithmNames, type AlgorithmName } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startCluster } from '../support/redis/cluster.js';
import { startSentinels } from '../support/redis/sentinel.js';
import { serverKinds, startRedis, type Server, type ServerKind } from '../support/redis/servers.js';
import { until } from '../support/redis/until.js';
import { onlyKey } from './stored-keys.js';

const HOUR = 3_600_000;
const quota = (algorithm: AlgorithmName, limit = 1_000): Policy =>
  definePolicy({ name: 'p', algorithm, limit, window: HOUR, ...(algorithm === 'gcra' && { burst: limit }) });

const opened: { stop(): Promise<unknown> }[] = [];
const opening = <T extends { stop(): Promise<unknown> }>(each: T): T => (opened.push(each), each);
afterAll(async () => {
  closeClients();
  for (const each of opened.splice(0).reverse()) await each.stop();
});

describe.each(serverKinds())('a key on $label', (kind) => {
  let client: Redis;
  let now: number;
  let store: RedisStore;
  beforeAll(async () => {
    client = connectTo(opening(await startRedis({ kind })).url);
    store = new RedisStore(client, { timeout: 20_000, now: () => now });
  });
  beforeEach(async () => {
    now = 1_800_000_000_000;
    await client.flushall('SYNC');
  });

  /** As many fill a hash table as 100,000 do: to three quarters. */
  const KEYS = 25_000;
  /** What a policy and the prefix add to a caller's text. */
  const OWN = 'rl:{}:p:fw3600000'.length;

  const charge = async (policy: Policy, keys: number, length: number): Promise<void> => {
    const callers = Array.from({ length: keys }, (_, i) => String(i).padStart(length - OWN, 'u'));
    while (callers.length > 0) {
      await Promise.all(callers.splice(0, 1_000).map((key) => store.consume([{ policy, key, cost: 1 }])));
    }
  };

  /** All that the server's memory grew by, hash tables and expiries included, for each key. */
  async function bytesPerKey(write: () => Promise<void>): Promise<number> {
    await store.consume([{ policy: quota('fixed-window'), key: 'first', cost: 1 }]);
    await client.flushall('SYNC');
    const before = await usedMemory(client);
    await write();
    return ((await usedMemory(client)) - before) / (await client.dbsize());
  }

  it.each(algorithmNames.flatMap((algorithm) => [48, 96].map((length) => ({ algorithm, length }))))(
    'of $length characters takes at most what docs/capacity.md says of $algorithm',
    async ({ algorithm, length }) => {
      const policy = quota(algorithm);
      const charges = algorithm === 'sliding-log' ? 1 : 2;
      const bytes = await bytesPerKey(async () => {
        for (let i = 0; i < charges; i++) await charge(policy, KEYS, length);
      });
      expect(bytes).toBeLessThanOrEqual(documented(kind, algorithm) + length - 48);
    },
    60_000,
  );

  it('of 48 characters takes at most what docs/capacity.md says of a block', async () => {
    const policy = definePolicy({ name: 'p', limit: 1, window: HOUR, blockFor: HOUR });
    const callers = Array.from({ length: KEYS }, (_, i) => String(i).padStart(48 - OWN - ':block'.length, 'u'));
    const bytes = await bytesPerKey(async () => {
      while (callers.length > 0) {
        await Promise.all(callers.splice(0, 1_000).map((key) => store.block(policy, key, HOUR)));
      }
    });
    expect(bytes).toBeLessThanOrEqual(documented(kind, 'a block'));
  }, 60_000);

  it.each([
    { charges: 10, logs: 6_250 },
    { charges: 100, logs: 1_000 },
  ])(
    'of a sliding log grows by no more than docs/capacity.md says, for $charges charges',
    async ({ charges, logs }) => {
      const policy = quota('sliding-log');
      const bytes = await bytesPerKey(async () => {
        for (let i = 0; i < charges; i++, now += 5) await charge(policy, logs, 48);
      });
      expect(bytes).toBeLessThanOrEqual(documented(kind, 'sliding-log') + charges * bytesPerCharge());
    },
  );
});

/** Of the page's tables: by server, and of one that is not in it the most. */
function documented({ name, version }: ServerKind, what: AlgorithmName | 'a block'): number {
  const [head, ...rows] = table(/^\| algorithm .*redis/m);
  const row = rows.find((cells) => cells[0]!.includes(what === 'a block' ? what : `\`${what}\``))!;
  const column = head!.indexOf(`${name} ${version.split('.', 2).join('.')}`);
  return column > 0 ? Number(row[column]) : Math.max(...row.slice(1).map(Number));
}

const page = readFileSync(new URL('../../docs/capacity.md', import.meta.url), 'utf8');

const bytesPerCharge = (): number => Number(/and (\d+) bytes for each charge/.exec(page)![1]);

/** The cells of a table, its ruler left out. */
function table(head: RegExp): string[][] {
  const lines = page.slice(page.search(head)).split('\n\n', 1)[0]!.split('\n');
  return lines
    .filter((line) => !line.includes('---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((c) => c.trim()),
    );
}

async function usedMemory(client: Redis): Promise<number> {
  const info = await client.info('memory');
  const of = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)![1]);
  // What Lua has at the moment depends on when it last collected its garbage.
  return of('used_memory') - of('mem_clients_normal') - of('used_memory_lua');
}

describe('a key lives', () => {
  let server: Server;
  let client: Redis;
  let store: RedisStore;
  beforeAll(async () => {
    server = opening(await startRedis());
    client = connectTo(server.url);
  });
  beforeEach(async () => {
    await client.flushall();
    store = new RedisStore(client, { timeout: 20_000 });
  });

  /** How long the only key lives after each of these charges, to the second: the clock goes on meanwhile. */
  async function lives(policy: Policy, ...costs: number[]): Promise<number[]> {
    const lives = [];
    for (const cost of costs) {
      await store.consume([{ policy, key: 'k', cost }]);
      lives.push(Math.ceil((await client.pttl(await onlyKey(client))) / 1_000));
      // Some of the time is over, however little passes.
      await client.pexpire(await onlyKey(client), lives.at(-1)! * 1_000 - 60_000);
    }
    return lives;
  }
  const define = (algorithm: AlgorithmName, more: object = {}) =>
    definePolicy({ name: 'p', algorithm, limit: 10, window: HOUR, ...more });

  it('fixed-window: a window, from the first charge on', async () => {
    expect(await lives(define('fixed-window'), 1, 1)).toEqual([3_600, 3_540]);
  });

  it('sliding-window: two windows, from the first charge of its present window on', async () => {
    expect(await lives(define('sliding-window'), 1, 1)).toEqual([7_200, 7_140]);
  });

  it('sliding-log: a window and a quarter, renewed when less than a window of it is left', async () => {
    expect(await lives(define('sliding-log'), 1, 1)).toEqual([4_500, 4_440]);
    await client.flushall();
    let now = 1_800_000_000_000;
    store = new RedisStore(client, { timeout: 20_000, now: () => now });
    expect(await lives(define('sliding-log'), 1)).toEqual([4_500]);
    now += HOUR / 4;
    expect(await lives(define('sliding-log'), 1)).toEqual([4_440]);
    now++;
    expect(await lives(define('sliding-log'), 1)).toEqual([4_500]);
  });

  it('token-bucket and gcra: as long as an empty bucket needs to fill, and anew only when the debt needs longer', async () => {
    expect(await lives(define('token-bucket'), 1, 1)).toEqual([3_600, 3_540]);
    await client.flushall();
    expect(await lives(define('token-bucket', { burst: 5 }), 1, 1)).toEqual([1_800, 1_740]);
    await client.flushall();
    expect(await lives(define('gcra'), 1)).toEqual([360]);
  });

  it.each(algorithmNames)('not at all, when a request is denied or only looks: %s', async (algorithm) => {
    const policy = define(algorithm);
    for (const cost of [0, 11]) await store.consume([{ policy, key: 'k', cost }]);
    await store.consume([
      { policy, key: 'k', cost: 1 },
      { policy: define('fixed-window', { limit: 0 }), key: 'other', cost: 1 },
    ]);
    expect(await client.dbsize()).toBe(0);
  });
});

describe('an instance holds', () => {
  afterEach(closeApps);

  /** Starts an application; by and by each of these servers has so many connections more. */
  async function expectConnections(
    servers: readonly Server[],
    redis: RateLimitModuleOptions['redis'],
    expected: readonly number[],
  ): Promise<void> {
    const watching = servers.map(({ url }) => connectTo(url));
    const held = () => Promise.all(watching.map(connected));
    const before = await held();
    const { nest } = await boot('fastify', { redis }, {});
    await nest.get(RateLimiter).consume({ name: 'p', limit: 5, window: '1h' }, 'k');
    // Those that asked where the others are close a moment later.
    await until(`not ${String(expected)} connections`, async () => {
      const more = (await held()).map((count, i) => count - before[i]!);
      return String(more) === String(expected) || more;
    });
  }

  /** Those of sentinels, which have names, and of replicas, which have a flag, are left out: they come and go. */
  const connected = async (client: Redis): Promise<number> => {
    const lines = String(await client.call('CLIENT', 'LIST'))
      .trim()
      .split('\n');
    return lines.filter((line) => !/ name=sentinel-| flags=[MS]/.test(line)).length;
  };

  const places = (servers: readonly Server[]) => servers.map(({ host, port }) => ({ host, port }));

  it('one connection to a server', async () => {
    const server = opening(await startRedis());
    await expectConnections([server], server.url, [1]);
  });

  it('one to each primary of a Cluster', async () => {
    const { nodes } = opening(await startCluster({ replicas: 1 }));
    await expectConnections(nodes, { nodes: places(nodes) }, [1, 1, 1, 0, 0, 0]);
  }, 60_000);

  it('one to the primary of a Sentinel setup, and one to each sentinel', async () => {
    const { name, servers, sentinels } = opening(await startSentinels());
    // By the address that they give each other: ioredis takes another name of it for another sentinel.
    const redis = { sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })), name };
    await expectConnections([...servers, ...sentinels], redis, [1, 0, 1, 1, 1]);
  }, 60_000);
});
