import { setTimeout as sleep } from 'node:timers/promises';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import type { RateLimitStore } from '../../libs/rate-limit/src/core/store.js';
import { DenialCacheStore } from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { FailurePolicyStore } from '../../libs/rate-limit/src/stores/failure/failure-policy.store.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const FLOOD = 10_000;

let server: Server;
let admin: ReturnType<typeof connectTo>;
beforeEach(async () => {
  server = await startRedis();
  admin = connectTo(server.url);
});
afterEach(async () => {
  closeClients();
  await server?.stop();
});

/** In milliseconds; only the tests move it. Neither Redis' own clock nor this machine's hurry makes a difference. */
let time: number;
beforeEach(() => void (time = 1_700_000_000_000));

/** As the module stacks them. */
function open(maxAge: number, timeout = 10_000): RateLimitStore {
  const now = () => time;
  const redis = new RedisStore(connectTo(server.url), { timeout, now });
  return new DenialCacheStore(new FailurePolicyStore(redis, { mode: 'local', observer: {} }), { maxAge, now });
}

const hit = (policy: Policy, cost = 1, key = 'k'): Hit => ({ policy, key, cost });
const passes = async (store: RateLimitStore, ...hits: Hit[]) =>
  (await store.consume(hits)).every(({ allowed }) => allowed);

/** How many scripts the server has run. */
async function scriptsRun(): Promise<number> {
  const told = await admin.info('commandstats');
  return [...told.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe('a flood', () => {
  it('of 10,000 denied requests costs Redis next to nothing; it is admitted when the window is over, and no sooner', async () => {
    const store = open(1_000);
    const policy = definePolicy({ name: 'three', limit: 3, window: '3s' });
    expect(await passes(store, hit(policy, 3))).toBe(true);
    const before = await scriptsRun();
    const end = time + 3_000;
    for (let i = 0; i < FLOOD; i++) {
      const [decision] = await store.consume([hit(policy)]);
      expect(decision!.allowed).toBe(false);
      expect(time + decision!.retryAfter).toBeGreaterThanOrEqual(end);
      time += 2_999 / FLOOD;
    }
    // Once for each second that an answer may be old.
    expect((await scriptsRun()) - before).toBeLessThanOrEqual(4);

    time = end - 1;
    expect(await passes(store, hit(policy))).toBe(false);
    time = end;
    expect(await passes(store, hit(policy))).toBe(true);
  });
});

describe('another process', () => {
  const daily = definePolicy({ name: 'daily', limit: 2, window: '1d' });

  it.each<[string, (other: RateLimitStore) => Promise<unknown>]>([
    ['gives back', async (other) => other.consume([hit(daily, -1)])],
    ['resets', (other) => other.reset(daily, 'k')],
  ])('%s: that is seen after maxAge at the latest, and in its own at once', async (_what, loosen) => {
    const [store, other] = [open(1_000), open(60_000)];
    await store.consume([hit(daily, 2)]);
    expect(await passes(store, hit(daily))).toBe(false);
    expect(await passes(other, hit(daily))).toBe(false);
    await loosen(other);
    expect(await passes(store, hit(daily))).toBe(false);
    expect(await passes(other, hit(daily))).toBe(true);
    await loosen(other);
    time += 999;
    expect(await passes(store, hit(daily))).toBe(false);
    time += 1;
    expect(await passes(store, hit(daily))).toBe(true);
  });
});

describe('a frozen Redis', () => {
  it('what was decided without it is not remembered, and what it denied before still is', async () => {
    const store = open(60_000, 200);
    const [one, gone] = [1, 1].map((limit, i) => definePolicy({ name: `p${i}`, limit, window: '1d' })) as [
      Policy,
      Policy,
    ];
    await store.consume([hit(gone)]);
    expect(await passes(store, hit(gone))).toBe(false);

    await server.freeze();
    const [first] = await store.consume([hit(one)]);
    const [second] = await store.consume([hit(one)]);
    expect([first, second].map((decision) => [decision!.allowed, decision!.by])).toEqual([
      [true, 'local'],
      [false, 'local'],
    ]);
    // Without a question, or it would be decided without Redis too.
    expect((await store.consume([hit(gone)]))[0]).toMatchObject({ allowed: false, by: 'remembered' });

    await server.thaw();
    let decision = second;
    for (const end = performance.now() + 10_000; decision!.by !== 'store' && performance.now() < end; await sleep(20)) {
      [decision] = await store.consume([hit(one)]);
    }
    expect(decision).toMatchObject({ allowed: true, by: 'store' });
  });
});
