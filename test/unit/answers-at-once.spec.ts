import { runInNewContext } from 'node:vm';
import { createLimiter, type Decision, type Hit, type RateLimitStore } from 'nestjs-redis-rate-limit/engine';
import { isPromise } from '../../libs/rate-limit/src/core/after.js';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { mergingHits } from '../../libs/rate-limit/src/core/merging-hits.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { ObservedStore } from '../../libs/rate-limit/src/engine/observer/observed.store.js';
import { ShadowStore } from '../../libs/rate-limit/src/stores/shadow/shadow.store.js';
import { DenialCacheStore } from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { FailurePolicyStore } from '../../libs/rate-limit/src/stores/failure/failure-policy.store.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';

const two = definePolicy({ name: 'two', limit: 2, window: '1h' });
const closed = definePolicy({ name: 'closed', limit: 2, window: '1h', onStoreFailure: 'closed' });
const hit = (cost = 1, policy = two): Hit => ({ policy, key: 'k', cost });
const away = new StoreUnavailableError('away');

/** Has a `then` and nothing else of a promise. */
const foreign = <T>(value: T) =>
  runInNewContext('({ then(next) { next(value); } })', { value }) as unknown as Promise<T>;

type Answering = (ask: () => Decision[]) => Decision[] | Promise<Decision[]>;
const atOnce: Answering = (ask) => ask();
const later: [string, Answering][] = [
  ['a promise', async (ask) => ask()],
  ['a thenable of another realm', (ask) => foreign(ask())],
];

/** The store in all wrappers that the library has, and what they report. */
function wrapped(answering: Answering) {
  const events: boolean[] = [];
  const memory = new MemoryStore({ now: () => 0 });
  let asked = 0;
  const state = { isAway: false };
  const inner: RateLimitStore = {
    consume: (hits) =>
      answering(() => {
        asked++;
        if (state.isAway) throw away;
        return memory.consume(hits);
      }),
    reset: (policy, key) => memory.reset(policy, key),
  };
  const failing = new FailurePolicyStore(inner, { mode: 'local', observer: {}, now: () => 0 });
  const caching = new DenialCacheStore(failing, { now: () => 0 });
  const judged = (_: readonly Hit[], told: readonly Decision[]) =>
    void events.push(...told.map(({ allowed }) => allowed));
  const store = new ObservedStore(new ShadowStore(caching), { judged, nearLimit: undefined });
  return { store, state, events, asked: () => asked };
}

describe('a store that answers at once', () => {
  it('is answered for at once by all wrappers, which do their work', () => {
    const { store, events, asked } = wrapped(atOnce);
    expect(store.consume([hit()])).toMatchObject([{ allowed: true, by: 'store' }]);
    expect(store.consume([hit(-1)])).toMatchObject([{ allowed: true, remaining: 2 }]);
    expect(store.consume([hit(1), hit(1)])).toMatchObject([{ remaining: 0 }, { remaining: 0 }]);
    expect(store.consume([hit()])).toMatchObject([{ allowed: false, by: 'store' }]);
    expect(store.consume([hit()])).toMatchObject([{ allowed: false, by: 'remembered' }]);
    expect(asked()).toBe(4);
    expect(events).toEqual([true, true, true, true, false, false]);
  });

  it('fails at once: each policy has its answer, and mistakes are thrown as they are', () => {
    const { store, state } = wrapped(atOnce);
    expect(() => store.consume([hit(0.5)])).toThrow('RL_COST_INVALID');
    expect(() => store.consume('k' as never)).toThrow('RL_HIT_INVALID');
    state.isAway = true;
    expect(store.consume([hit()])).toMatchObject([{ allowed: true, by: 'local' }]);
    for (const cost of [1, -1]) expect(() => store.consume([hit(cost, closed)])).toThrow(away);
  });
});

it.each(later)(
  'a store that answers with %s: only what is remembered is answered at once',
  async (_what, answering) => {
    const { store, state, events, asked } = wrapped(answering);
    for (const [cost, allowed] of [
      [2, true],
      [-1, true],
      [1, true],
      [1, false],
    ] as const) {
      const answer = store.consume([hit(cost)]);
      expect(isPromise(answer)).toBe(true);
      expect(await answer).toMatchObject([{ allowed, by: 'store' }]);
    }
    expect(store.consume([hit()])).toMatchObject([{ allowed: false, by: 'remembered' }]);
    expect(asked()).toBe(4);
    expect(events).toEqual([true, true, true, false, false]);

    state.isAway = true;
    expect(await store.consume([{ ...hit(), key: 'other' }])).toMatchObject([{ allowed: true, by: 'local' }]);
    for (const cost of [1, -1]) await expect((async () => store.consume([hit(cost, closed)]))()).rejects.toThrow(away);
  },
);

it('mergingHits answers as the function that judges does', async () => {
  const hits = [hit(), hit(2, closed), hit(3)];
  const costs = (merged: readonly Hit[]) => merged.map(({ cost }) => cost);
  expect(mergingHits(hits, costs)).toEqual([4, 2, 4]);
  expect(await mergingHits(hits, async (merged) => costs(merged))).toEqual([4, 2, 4]);
  expect(await mergingHits(hits, (merged) => foreign(costs(merged)))).toEqual([4, 2, 4]);
});

it('a limiter in memory always answers with promises; its store does not', async () => {
  const logger = { log: () => {}, warn: () => {}, error: () => {} };
  const limiter = await createLimiter({ policies: { two: { limit: 2, window: '1h' } }, logger, deny: ['user:0'] });
  expect(limiter.store.consume([hit()])).toMatchObject([{ allowed: true, remaining: 1 }]);
  for (const answer of [
    limiter.consume('two', 'k'),
    limiter.consume([{ policy: 'two', key: 'k' }]),
    limiter.consume('two', 'user:0'),
    limiter.peek('two', 'k'),
    limiter.reset('two', 'user:1'),
  ]) {
    expect(answer).toBeInstanceOf(Promise);
    await answer;
  }
  await limiter.close();
});
