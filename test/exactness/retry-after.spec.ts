import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { algorithmNames, type AlgorithmName } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const CLIENTS = 12;
const DENIALS = 3;

let server: Server;
let store: RedisStore;
beforeAll(async () => {
  server = await startRedis();
  store = new RedisStore(connectTo(server.url), { timeout: 10_000 });
});
afterAll(async () => {
  closeClients();
  await server?.stop();
});

const from = (least: number, most: number): number => least + Math.floor(Math.random() * (most - least + 1));

function anyPolicy(algorithm: AlgorithmName): Policy {
  const limit = from(1, 8);
  const burst = algorithm === 'gcra' || algorithm === 'token-bucket' ? { burst: from(1, limit) } : {};
  return definePolicy({ name: randomUUID(), algorithm, limit, window: from(50, 300), ...burst });
}

/** Not a moment less, by the clock that never steps: a timer may be a millisecond early. */
async function wait(span: number): Promise<void> {
  const until = performance.now() + span;
  for (let left = span; left > 0; left = until - performance.now()) await sleep(Math.ceil(left));
}

/** Spends at random until it was denied a few times, and after each waits as it was told. */
async function obey(policies: readonly Policy[]): Promise<void> {
  const key = randomUUID();
  for (let denials = 0; denials < DENIALS;) {
    const hits = policies.map((policy) => ({ policy, key, cost: from(1, policy.burst) }));
    const decisions = await store.consume(hits);
    if (decisions.every(({ allowed }) => allowed)) continue;
    denials++;
    await wait(Math.max(...decisions.map(({ retryAfter }) => retryAfter)));
    const again = await store.consume(hits);
    expect({ policies, decisions, again: again.map(({ allowed }) => allowed) }).toEqual({
      policies,
      decisions,
      again: hits.map(() => true),
    });
  }
}

describe('who waits for as long as retryAfter says, on Redis’ own clock, and spends alone, is admitted', () => {
  it.each(algorithmNames)('%s', async (algorithm) => {
    await Promise.all(Array.from({ length: CLIENTS }, () => obey([anyPolicy(algorithm)])));
  });

  it('all of them together: the longest wait is the one to obey', async () => {
    const sets = Array.from({ length: CLIENTS }, () => algorithmNames.map(anyPolicy));
    await Promise.all(sets.map(obey));
  });
});
