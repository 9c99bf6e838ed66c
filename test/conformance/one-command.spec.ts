import type { Redis } from 'ioredis';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const rules = ['a', 'b', 'c'].map((name) => definePolicy({ name, limit: 1_000_000, window: '1d' }));

describe('how requests travel', () => {
  let server: Server;
  let client: Redis;
  let store: RedisStore;

  beforeAll(async () => {
    server = await startRedis();
    client = connectTo(server.url);
    store = new RedisStore(client, { timeout: 5_000 });
    await store.consume([{ policy: rules[0]!, key: 'first', cost: 1 }]);
  });
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  /** How often the script ran. */
  const scripts = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);

  async function scriptsDuring(work: () => Promise<unknown>): Promise<number> {
    const before = await scripts();
    await work();
    return (await scripts()) - before;
  }

  it('all hits of a request are one command', async () => {
    const hits = rules.flatMap((policy) => ['x', 'y'].map((key) => ({ policy, key, cost: 1 })));
    expect(await scriptsDuring(() => store.consume(hits))).toBe(1);
  });

  it('requests that wait at the same moment are one command, up to a bound', async () => {
    const ask = (n: number) =>
      Promise.all(Array.from({ length: n }, (_, i) => store.consume([{ policy: rules[0]!, key: `k${i}`, cost: 1 }])));
    expect(await scriptsDuring(() => ask(31))).toBe(1);
    // From 32 on in two halves.
    for (const requests of [32, 33, 57, 64]) expect(await scriptsDuring(() => ask(requests))).toBe(2);
    const commands = await scriptsDuring(() => ask(1_000));
    expect(commands).toBeGreaterThanOrEqual(Math.ceil(1_000 / 64));
    expect(commands).toBeLessThan(100);
  });

  it('a lone request leaves at once: nothing else is waited for', async () => {
    const blocker = connectTo(server.url);
    // Answered only after the turn's microtasks: a request that waited for a timer would come later than this.
    const order: string[] = [];
    await Promise.all([
      store.consume([{ policy: rules[0]!, key: 'lone', cost: 1 }]).then(() => order.push('request')),
      new Promise<void>((resolve) =>
        setImmediate(() => void blocker.ping().then(() => (order.push('later'), resolve()))),
      ),
    ]);
    expect(order).toEqual(['request', 'later']);
  });

  it('an odd request fails alone, not its neighbours', async () => {
    const good = Array.from({ length: 5 }, (_, i) => store.consume([{ policy: rules[1]!, key: `g${i}`, cost: 1 }]));
    const odd = store.consume([{ policy: rules[1]!, key: 'odd', cost: Number.NaN }]);
    const never = store.consume([{ policy: rules[1]!, key: 'never', cost: Number.MAX_SAFE_INTEGER }]);
    await expect(odd).rejects.toThrow('RL_COST_INVALID');
    expect((await never)[0]).toMatchObject({ allowed: false, retryAfter: -1 });
    for (const [decision] of await Promise.all(good))
      expect(decision).toMatchObject({ allowed: true, remaining: 999_999 });
  });

  it('a restarted server, whose scripts are gone, is told the script again unseen', async () => {
    await client.script('FLUSH');
    const [decision] = await store.consume([{ policy: rules[2]!, key: 'after', cost: 1 }]);
    expect(decision!.allowed).toBe(true);
  });
});
