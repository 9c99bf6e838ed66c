import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const REQUESTS = 3_000;
/** Two commands, of 64 requests at most that weigh 1 each. */
const ON_THEIR_WAY = 128;
/** What the engine itself may still see: variables of functions that have not been left, or optimized. */
const LEFT_OVER = 8;
const daily = definePolicy({ name: 'daily', limit: 1_000, window: '1d' });

let server: Server;
beforeEach(async () => void (server = await startRedis()));
afterEach(async () => {
  closeClients();
  await server?.stop();
});

describe('however long Redis is frozen', () => {
  it('requests that were given up are let go, all but the few commands on their way', async () => {
    const store = new RedisStore(connectTo(server.url), { timeout: 300 });
    await server.freeze();
    const held: WeakRef<Hit>[] = [];
    await Promise.allSettled(Array.from({ length: REQUESTS }, (_, i) => store.consume([remembered(held, i)])));
    // The next request finds them given up.
    await store.consume([{ policy: daily, key: 'last', cost: 1 }]).catch(() => {});

    await turn();
    collectGarbage();
    expect(held.filter((hit) => hit.deref()).length).toBeLessThanOrEqual(ON_THEIR_WAY + LEFT_OVER);
  });
});

function remembered(held: WeakRef<Hit>[], i: number): Hit {
  const hit = { policy: daily, key: `k${i}`, cost: 1 };
  held.push(new WeakRef(hit));
  return hit;
}
