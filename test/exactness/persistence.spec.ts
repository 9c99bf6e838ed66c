import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

const HOUR = 3_600_000;
const policies = algorithmNames.map((algorithm) =>
  definePolicy({ name: 'p', algorithm, limit: 100, window: HOUR, ...(algorithm === 'gcra' && { burst: 100 }) }),
);

describe.each(serverKinds())('after a restart of $label', (kind) => {
  let server: Server;
  let now: number;
  beforeEach(() => void (now = 1_800_000_000_000));
  afterEach(async () => {
    closeClients();
    await server?.stop();
  });

  const open = () => new RedisStore(connectTo(server.url), { timeout: 20_000, now: () => now });
  const left = async (store: RedisStore, cost: number) =>
    (await store.consume(policies.map((policy) => ({ policy, key: 'k', cost })))).map(({ remaining }) => remaining);
  const all = (units: number) => policies.map(() => units);

  /** What is left when 10 units were spent before a snapshot and 5 after it, if one was taken. */
  async function restarted(...args: string[]): Promise<number[]> {
    server = await startRedis({ kind, args });
    const store = open();
    await left(store, 10);
    if (args.includes('--save')) await connectTo(server.url).save();
    expect(await left(store, 5)).toEqual(all(85));
    closeClients();
    await server.restart();
    return left(open(), 0);
  }

  it('without persistence all quotas are full', async () => {
    expect(await restarted()).toEqual(all(100));
  });

  it('with snapshots they are as at the last one', async () => {
    expect(await restarted('--save', '3600 1')).toEqual(all(90));
  });

  it('with an append-only file they are as they were, and one that was full meanwhile is full', async () => {
    expect(await restarted('--appendonly', 'yes', '--appendfsync', 'always')).toEqual(all(85));
    now += 2 * HOUR;
    expect(await left(open(), 0)).toEqual(all(100));
  });
});
