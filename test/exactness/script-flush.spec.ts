import { setImmediate as turn } from 'node:timers/promises';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
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
    const policy = definePolicy({ name: 'daily', limit: QUOTA, window: '1d' });
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
});
