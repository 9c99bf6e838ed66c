import { randomUUID } from 'node:crypto';
import { algorithmNames, type WindowAlgorithm } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { definePolicy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { Workers } from './workers.js';

const PROCESSES = 4;
const REQUESTS = 1_000;

let server: Server;
let store: RedisStore;
let workers: Workers;
beforeAll(async () => {
  server = await startRedis();
  store = new RedisStore(connectTo(server.url), { timeout: 20_000 });
  workers = await Workers.start(PROCESSES, server.url);
}, 120_000);
afterAll(async () => {
  closeClients();
  await workers?.stop();
  await server?.stop();
});

/** A day's quota: while a test runs, no unit of it comes back. */
const daily = (algorithm: WindowAlgorithm, limit: number, name = 'daily'): PolicyDefinition => {
  const burst = algorithm === 'gcra' ? { burst: limit } : {};
  return { name, algorithm, limit, window: '1d', ...burst };
};

const everyProcess = <T>(one: (process: number) => T): T[] => Array.from({ length: PROCESSES }, (_, i) => one(i));
const ones = Array.from({ length: REQUESTS }, () => 1);
const mixed = () => Array.from({ length: REQUESTS }, () => 1 + Math.floor(Math.random() * 7));
const downFrom = (limit: number) => Array.from({ length: limit }, (_, i) => limit - 1 - i);
const total = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0);

async function left(policy: PolicyDefinition, key: string): Promise<number> {
  const [decision] = await store.consume([{ policy: definePolicy(policy), key, cost: 0 }]);
  return decision!.remaining;
}

describe.each(algorithmNames)('%s, four processes with four connections each, on one key', (algorithm) => {
  it('admits exactly the quota, and tells each of the admitted another remaining', async () => {
    const policy = daily(algorithm, 500);
    const key = randomUUID();
    const outcomes = (await workers.spend(everyProcess(() => ({ claims: [{ policy, key }], costs: ones })))).flat();

    const admitted = outcomes.filter((outcome) => outcome.admitted);
    expect(outcomes).toHaveLength(PROCESSES * REQUESTS);
    expect(admitted).toHaveLength(500);
    expect(admitted.map(({ decisions }) => decisions[0]!.remaining).sort((a, b) => b - a)).toEqual(downFrom(500));

    for (const { decisions } of outcomes.filter((outcome) => !outcome.admitted)) {
      expect(decisions).toEqual([expect.objectContaining({ allowed: false, limit: 500, remaining: 0 })]);
      expect(decisions[0]!.retryAfter).toBeGreaterThan(0);
    }
    expect(await left(policy, key)).toBe(0);
  });

  it('spends the quota to the last unit when costs differ, and not one more', async () => {
    const policy = daily(algorithm, 1_500);
    const key = randomUUID();
    const outcomes = (
      await workers.spend(everyProcess(() => ({ claims: [{ policy, key }], costs: [...mixed(), ...ones] })))
    ).flat();

    const admitted = outcomes.filter((outcome) => outcome.admitted);
    expect(total(admitted.map(({ cost }) => cost))).toBe(1_500);
    for (const { cost, decisions } of outcomes.filter((outcome) => !outcome.admitted)) {
      expect(decisions[0]!.remaining).toBeLessThan(cost);
    }
    expect(await left(policy, key)).toBe(0);
  });

  it('charges two policies together or not at all', async () => {
    const shared = { policy: daily(algorithm, 500, 'shared'), key: randomUUID() };
    // Together they hold more than is shared, and the first less than its part of it.
    const own = everyProcess((i) => ({ policy: daily(algorithm, 100 + 50 * i, 'own'), key: randomUUID() }));
    const answers = await workers.spend(everyProcess((i) => ({ claims: [own[i]!, shared], costs: ones })));

    const admitted = answers.map((outcomes) => outcomes.filter((outcome) => outcome.admitted).length);
    expect(total(admitted)).toBe(500);
    expect(await left(shared.policy, shared.key)).toBe(0);
    for (const [i, { policy, key }] of own.entries()) {
      expect(await left(policy, key)).toBe(policy.limit - admitted[i]!);
    }

    // A denied request tells which policy it was, and what the other still holds: never more than its quota.
    for (const { decisions } of answers.flat().filter((outcome) => !outcome.admitted)) {
      expect(decisions.some(({ allowed, remaining }) => !allowed && remaining === 0)).toBe(true);
      for (const { allowed, remaining } of decisions) expect(remaining > 0).toBe(allowed);
    }
  });
});
