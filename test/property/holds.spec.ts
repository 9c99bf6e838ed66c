import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { definePolicy, recording, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { policies, steps, withLease } from '../support/arbitraries.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

/** Slots, whose names do not meet those of other policies. */
const slots = fc
  .record({ limit: fc.integer({ min: 0, max: 4 }), name: fc.constantFrom('s', 't') })
  .map((numbers) => definePolicy({ algorithm: 'concurrency', lease: 1_000, ...numbers }));

/** As others, and half of them consider what is held before they block somebody. */
const considering = fc
  .tuple(policies, fc.boolean())
  .map(([policy, isConsidering]) => (isConsidering ? withLease(policy) : policy));

const rules = fc.array(fc.oneof({ weight: 3, arbitrary: considering }, slots), { minLength: 1, maxLength: 3 });

const rule = fc.nat(2);
const key = fc.constantFrom('x', 'y');
const IDS = ['a', 'b', 'c', 'd', 'e'];
const id = fc.constantFrom(...IDS);
const ttl = fc.constantFrom(1, 20, 60, 1_000, 100_000);
const cost = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 5 }) }, fc.constantFrom(13, 8_190, 20_000));

const acts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('take' as const),
      hits: fc.array(
        fc.record({
          rule,
          key,
          cost,
          isHeld: fc.boolean(),
          isRecorded: fc.boolean(),
          patience: fc.option(fc.integer({ min: 0, max: 200 }), { freq: 4, nil: undefined }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      id,
      ttl,
      givesBack: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('settle' as const), rule, key, id, cost }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('renew' as const), rule, key, id, ttl }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('reset' as const), rule, key }) },
);

const timelines = fc.record({
  begins: fc.constantFrom<number>(1_700_000_000_000, 1_770_049_338_368, 1_800_000_000_000),
  rules,
  moments: fc.array(fc.record({ step: steps, act: acts }), { minLength: 1, maxLength: 40, size: 'max' }),
});

type Take = Extract<typeof acts extends fc.Arbitrary<infer A> ? A : never, { act: 'take' }>;

/** What a request asks for. A slot needs a hold and costs one; only buckets take turns ahead of time. */
function hitsOf({ hits, id, ttl, givesBack }: Take, rules: readonly Policy[]): Hit[] {
  return hits.map(({ rule, key, cost, isHeld, isRecorded, patience }): Hit => {
    const policy = rules[rule % rules.length]!;
    const isSlot = policy.algorithm === 'concurrency';
    const hold = {
      id,
      ttl: isSlot ? Math.min(ttl, policy.lease) : ttl,
      ...(givesBack && !isSlot ? { givesBack } : {}),
    };
    if (isSlot) return { policy, key, cost: Math.min(1, cost), hold };
    const hasBurst = policy.algorithm === 'token-bucket' || policy.algorithm === 'gcra';
    return {
      policy: isRecorded ? recording(policy) : policy,
      key,
      cost,
      ...(isHeld ? { hold } : {}),
      ...(!isRecorded && patience !== undefined ? { patience: hasBurst ? patience : 0 } : {}),
    };
  });
}

/** Removes the holds that have ended. */
async function forgetDead(stores: readonly (MemoryStore | RedisStore)[], rules: readonly Policy[]): Promise<void> {
  for (const policy of rules) {
    for (const key of ['x', 'y']) {
      const open = new Set((await stores[0]!.holds(policy, key)).map(({ id }) => id));
      for (const id of IDS) {
        if (!open.has(id)) for (const store of stores) await store.settle({ policy, key, id }, 0);
      }
    }
  }
}

/** A fortnight at most, as in the parity of requests without holds. */
const spanOf = (step: number, { window }: Policy): number =>
  Math.max(-1_209_600_000, Math.min(1_209_600_000, Math.round(step * window)));

describe.each(serverKinds())('holds in memory and in $label', (kind) => {
  let server: Server;
  beforeAll(async () => void (server = await startRedis({ kind })));
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  it('are taken, settled, renewed and lost alike, for any policies and any timeline', async () => {
    const client = connectTo(server.url);
    let settled = 0;
    let guesses = 0;
    await fc.assert(
      fc.asyncProperty(timelines, async ({ begins, rules, moments }) => {
        let time: number = begins;
        const now = () => time;
        const memory = new MemoryStore({ now });
        const redis = new RedisStore(client, { now, prefix: randomUUID(), timeout: 10_000 });
        for (const { step, act } of moments) {
          // A clock that goes back revives what has died and was not removed yet, which Redis does at random.
          if (step < 0) await forgetDead([memory, redis], rules);
          time = Math.max(0, time + spanOf(step, rules[0]!));
          if (act.act === 'take') {
            const hits = hitsOf(act, rules);
            const decisions = memory.consume(hits);
            expect(await redis.consume(hits)).toEqual(decisions);
            guesses += decisions.filter(({ isGuess }) => isGuess).length;
            continue;
          }
          const held = { policy: rules[act.rule % rules.length]!, key: act.key, id: 'id' in act ? act.id : '' };
          if (act.act === 'reset') {
            for (const store of [memory, redis]) await store.reset(held.policy, held.key);
          } else if (act.act === 'renew') {
            const ttl = Math.min(act.ttl, held.policy.algorithm === 'concurrency' ? held.policy.lease : Infinity);
            expect(await redis.renew(held, ttl)).toBe(await memory.renew(held, ttl));
          } else {
            const isSettled = await memory.settle(held, act.cost);
            expect(await redis.settle(held, act.cost)).toBe(isSettled);
            if (isSettled) settled++;
          }
          const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
          const open = (await memory.holds(held.policy, held.key)).sort(byId);
          expect((await redis.holds(held.policy, held.key)).sort(byId)).toEqual(open);
        }
      }),
      { numRuns: 300 },
    );
    // Otherwise nothing was compared.
    expect(settled).toBeGreaterThan(100);
    expect(guesses).toBeGreaterThan(20);
  }, 120_000);

  it('leave no key without a TTL', async () => {
    const client = connectTo(server.url);
    const keys = await client.keys('*');
    expect(keys.some((key) => key.endsWith(':holds'))).toBe(true);
    const lives = await Promise.all(keys.map((key) => client.pttl(key)));
    expect(Math.min(...lives)).toBeGreaterThan(0);
  });
});
