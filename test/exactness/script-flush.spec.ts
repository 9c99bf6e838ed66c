import { setImmediate as turn } from 'node:timers/promises';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
import { until } from '../support/redis/until.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

const QUOTA = 3_000;
const ROUNDS = 100;

describe.each(serverKinds())('SCRIPT FLUSH on $label', (kind) => {
  let server: Server;
  beforeAll(async () => void (server = await startRedis({ kind })));
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  it('again and again under load disturbs nobody: every request is decided, and exactly the quota admitted', async () => {
    // A day that begins now, and one that has begun.
    const begins = { calendar: 'day', anchor: new Date(Date.now() - 43_200_000) } as const;
    const policies = ['1d' as const, begins].map((window) => definePolicy({ name: 'daily', limit: QUOTA / 2, window }));
    const admin = connectTo(server.url);
    const clients = [connectTo(server.url), connectWithIoredis5(server.url), connectTo(server.url)];
    const stores = clients.map((client) => new RedisStore(client, { timeout: 20_000 }));

    let flushing = true;
    const flushes = (async () => {
      let count = 0;
      for (; flushing; count++) await admin.script('FLUSH');
      return count;
    })();

    const answers = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < 40; i++) {
        const policy = policies[(i >> 1) % 2]!;
        answers.push(stores[i % stores.length]!.consume([{ policy, key: 'everybody', cost: 1 }]));
      }
      await turn();
    }
    const outcomes = await Promise.allSettled(answers);
    flushing = false;
    expect(await flushes).toBeGreaterThan(1);

    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
    expect([reasons.length, ...new Set(reasons)]).toEqual([0]);
    const admitted = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value[0]!.allowed);
    expect(admitted).toHaveLength(QUOTA);
  });

  it('is followed by one SCRIPT LOAD, for Redis may evict a script that came by EVAL', async () => {
    const policy = definePolicy({ name: 'hourly', limit: 100, window: '1h' });
    const client = connectTo(server.url);
    const store = new RedisStore(client, { timeout: 20_000 });
    const ask = () => store.consume([{ policy, key: 'k', cost: 1 }]);
    await ask();
    for (let flush = 1; flush <= 2; flush++) {
      await client.script('FLUSH');
      await client.config('RESETSTAT');
      // Two commands that find no script.
      await Promise.all([ask(), turn().then(ask)]);
      await ask();
      await until('not one SCRIPT LOAD', async () => {
        const calls = await callsOf(client);
        return (calls.load === 1 && calls.evals >= 1) || JSON.stringify(calls);
      });
    }
  });

  it('a client that throws when it should send the text fails the request, and nothing else', async () => {
    const policy = definePolicy({ name: 'hourly', limit: 100, window: '1h' });
    const client = connectTo(server.url);
    const store = new RedisStore(client, { timeout: 20_000 });
    await store.consume([{ policy, key: 'k', cost: 0 }]);
    await client.script('FLUSH');
    Object.assign(client, {
      evalBuffer: () => {
        throw new Error('not today');
      },
    });
    await expect(store.consume([{ policy, key: 'k', cost: 1 }])).rejects.toThrow('not today');
  });
});

/** How often Redis ran `SCRIPT LOAD` and `EVAL` since its statistics were reset. Before Redis 7 it counts all of SCRIPT. */
async function callsOf(client: ReturnType<typeof connectTo>) {
  const stats = await client.info('commandstats');
  const calls = (name: string) => Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
  return { load: calls('script(?:\\|load)?'), evals: calls('eval') };
}
