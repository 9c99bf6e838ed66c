import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import type { Held, HoldingStore } from '../../libs/rate-limit/src/core/holds/holding-store.js';
import { definePolicy, recording, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { ObservedStore } from '../../libs/rate-limit/src/engine/observer/observed.store.js';
import { ShadowStore } from '../../libs/rate-limit/src/stores/shadow/shadow.store.js';
import { DenialCacheStore } from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { FailurePolicyStore } from '../../libs/rate-limit/src/stores/failure/failure-policy.store.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { UnlimitedStore } from '../../libs/rate-limit/src/stores/unlimited.store.js';

const tokens = definePolicy({ name: 'tokens', limit: 10, window: '1h' });
const slots = definePolicy({ name: 'slots', algorithm: 'concurrency', limit: 4, lease: '30s' });
const TTL = 30_000;

let time: number;
let shared: MemoryStore;
let isAway: boolean;
let asked: string[];
let told: string[];
beforeEach(() => {
  time = 1_800_000_000_000;
  shared = new MemoryStore({ now: () => time });
  isAway = false;
  asked = [];
  told = [];
});

/** What stands in for Redis: it may be away, and other instances may use it. */
const inner: HoldingStore = {
  consume: async (hits) => answer('consume', () => shared.consume(hits)),
  reset: async (policy, key) => answer('reset', () => shared.reset(policy, key)),
  settle: async (held, cost) => answer('settle', () => shared.settle(held, cost)),
  renew: async (held, ttl) => answer('renew', () => shared.renew(held, ttl)),
  holds: async (policy, key) => answer('holds', () => shared.holds(policy, key)),
};

async function answer<T>(call: string, give: () => T | Promise<T>): Promise<T> {
  asked.push(call);
  if (isAway) throw new StoreUnavailableError('away');
  return give();
}

const holding = (id: string, policy: Policy = tokens, cost = 1): Hit => ({
  policy,
  key: 'a',
  cost,
  hold: { id, ttl: TTL },
});
const held = (id: string, policy: Policy = tokens, units?: number): Held => ({ policy, key: 'a', id, units });
const look = (policy: Policy = tokens): Hit => ({ policy, key: 'a', cost: 0 });

describe('while the store is away', () => {
  const reliable = (instances?: number) =>
    new FailurePolicyStore(inner, {
      mode: 'local',
      instances,
      now: () => time,
      observer: { storeFailed: ({ detail }) => void told.push(detail) },
    });
  const remaining = async (store: FailurePolicyStore, policy = tokens) =>
    (await store.consume([look(policy)]))[0]!.remaining;

  it('what was taken in the meantime is settled and renewed here, also when the store is back', async () => {
    const store = reliable(2);
    isAway = true;
    expect(await store.consume([holding('one', tokens, 3), holding('one', slots)])).toMatchObject([
      { allowed: true, by: 'local', remaining: 2 },
      { allowed: true, by: 'local', remaining: 1 },
    ]);
    asked.length = 0;
    expect(await store.renew(held('one', slots), TTL)).toBe(true);
    expect(await store.settle(held('one', slots), 0)).toBe(true);
    isAway = false;
    expect(await store.settle(held('one'), 1)).toBe(true);
    expect(asked).toEqual([]);
    // What is not held here is asked for there.
    expect(await store.settle(held('one'), 1)).toBe(false);
    expect(asked).toEqual(['settle']);
    isAway = true;
    expect([await remaining(store), await remaining(store, slots)]).toEqual([4, 2]);

    // The debt is shared too: of five units for this instance, ten may be used.
    await store.consume([holding('two')]);
    await store.settle(held('two'), 1_000);
    await store.consume([{ ...look(), cost: -6 }]);
    expect(await remaining(store)).toBe(1);
  });

  it('nothing but what was taken here is looked for here', async () => {
    const store = reliable();
    await store.consume([holding('one')]);
    isAway = true;
    await expect(store.settle(held('one'), 0)).rejects.toThrow(StoreUnavailableError);
    await expect(store.renew(held('one'), TTL)).rejects.toThrow(StoreUnavailableError);
    await expect(store.holds(tokens, 'a')).rejects.toThrow(StoreUnavailableError);
    expect(told).toEqual(['away']);
    isAway = false;
    expect(await store.settle(held('one'), 0)).toBe(true);
    expect(shared.size).toBe(0);
  });

  it('open policies hold nothing, and closed ones refuse', async () => {
    isAway = true;
    const store = reliable();
    const open = definePolicy({ name: 'open', limit: 1, window: '1h', onStoreFailure: 'open' });
    const closed = definePolicy({ name: 'closed', limit: 1, window: '1h', onStoreFailure: 'closed' });
    expect(await store.consume([holding('one', open)])).toMatchObject([{ allowed: true, by: 'open' }]);
    await expect(store.settle(held('one', open), 1)).rejects.toThrow(StoreUnavailableError);
    await expect(store.consume([holding('one', closed)])).rejects.toThrow(StoreUnavailableError);
    const shut = recording(definePolicy({ name: 'shut', limit: 0, window: '1h', onStoreFailure: 'open' }));
    expect(await store.consume([{ policy: shut, key: 'a', cost: 5 }])).toMatchObject([{ allowed: true }]);
  });

  it('a quota starts from what was settled, not from what was estimated', async () => {
    const store = reliable();
    await store.consume([holding('less', tokens, 5)]);
    await store.settle(held('less', tokens, 5), 1);
    await store.consume([{ ...holding('more', tokens, 1), key: 'b' }]);
    await store.settle({ ...held('more', tokens, 1), key: 'b' }, 8);
    isAway = true;
    expect(await remaining(store)).toBe(9);
    expect(await store.consume([{ ...look(), key: 'b' }])).toMatchObject([{ remaining: 2 }]);
  });

  it('lists what is held here and there', async () => {
    const store = reliable();
    await store.consume([holding('there')]);
    isAway = true;
    await store.consume([holding('here')]);
    isAway = false;
    expect((await store.holds(tokens, 'a')).map(({ id }) => id)).toEqual(['there', 'here']);
    await store.reset(tokens, 'a');
    expect(await store.holds(tokens, 'a')).toEqual([]);
  });
});

describe('remembered denials', () => {
  const cache = () => new DenialCacheStore(inner, { now: () => time });
  const hit: Hit = { policy: tokens, key: 'a', cost: 1 };
  /** Whether the store inside is asked for this hit. */
  async function asks(store: DenialCacheStore, one: Hit = hit): Promise<boolean> {
    asked.length = 0;
    await store.consume([one]);
    return asked.length > 0;
  }

  it('of a policy and key end when a hold of them is settled, even if nobody answers', async () => {
    const store = cache();
    await store.consume([holding('one', tokens, 10)]);
    expect([await asks(store), await asks(store)]).toEqual([true, false]);
    await store.settle({ ...held('one'), key: 'b' }, 0);
    expect(await asks(store)).toBe(false);
    isAway = true;
    await expect(store.settle(held('one'), 9)).rejects.toThrow();
    isAway = false;
    expect([await asks(store), await asks(store)]).toEqual([true, false]);
    await store.settle(held('one'), 9);
    expect(await store.consume([hit])).toMatchObject([{ allowed: true }]);
  });

  it('do not begin with an answer that left before a hold was settled', async () => {
    let reply = (): void => undefined;
    const slow: HoldingStore = {
      ...inner,
      consume: async (hits) => {
        const decisions = shared.consume(hits);
        await new Promise<void>((resolve) => (reply = resolve));
        return decisions;
      },
    };
    shared.consume([holding('one', tokens, 10)]);
    const store = new DenialCacheStore(slow, { now: () => time });
    const denied = store.consume([hit]);
    await store.settle(held('one'), 0);
    reply();
    expect(await denied).toMatchObject([{ allowed: false }]);
    const again = store.consume([hit]);
    reply();
    expect(await again).toMatchObject([{ allowed: true, by: 'store' }]);
  });

  it('are not guesses', async () => {
    const store = cache();
    for (const id of ['1', '2', '3', '4']) await store.consume([holding(id, slots)]);
    expect([await asks(store, holding('5', slots)), await asks(store, holding('6', slots))]).toEqual([true, true]);
    await store.consume([holding('7', tokens, 10)]);
    expect([await asks(store, holding('8')), await asks(store, holding('9'))]).toEqual([true, true]);
    // A hit that is not held does not know what others hold.
    expect([await asks(store), await asks(store)]).toEqual([true, false]);
    // And its denial is not that of one that is held, or recorded.
    expect(await asks(store, holding('10'))).toBe(true);
    expect(await asks(store)).toBe(false);
    expect(await store.consume([{ ...hit, policy: recording(tokens) }])).toMatchObject([
      { allowed: true, by: 'store' },
    ]);
  });

  it('need no memory for settlements', async () => {
    const store = cache();
    for (let i = 0; i < 1_000; i++) await store.settle({ ...held('one'), key: `k${i}` }, 0);
    expect(store.size).toBe(0);
    await expect(store.settle({ ...held('one'), policy: undefined as never }, 0)).rejects.toMatchObject({
      code: 'RL_POLICY_INVALID',
    });
  });
});

describe('other wrappers', () => {
  it('pass everything about holds on', async () => {
    const store = new ObservedStore(new ShadowStore(inner), { judged: undefined, nearLimit: undefined });
    await store.consume([holding('one')]);
    expect(await store.renew(held('one'), TTL)).toBe(true);
    expect(await store.holds(tokens, 'a')).toHaveLength(1);
    expect([await store.settle(held('one'), 0), await store.settle(held('one'), 0)]).toEqual([true, false]);
    const bare = { consume: inner.consume, reset: inner.reset };
    const without = new ObservedStore(new ShadowStore(bare), { judged: undefined, nearLimit: undefined });
    await expect(without.settle(held('one'), 0)).rejects.toMatchObject({ code: 'RL_STORE_WITHOUT_HOLDS' });
  });

  it('a store without limits settles everything, but mistakes stay mistakes', async () => {
    const store = new UnlimitedStore();
    expect([await store.settle(held('one'), 5), await store.renew(held('one'), 1)]).toEqual([true, true]);
    expect(await store.holds()).toEqual([]);
    await expect(store.settle(held('one'), NaN)).rejects.toMatchObject({ code: 'RL_COST_INVALID' });
    await expect(store.renew(held('one'), 0)).rejects.toMatchObject({ code: 'RL_HOLD_INVALID' });
  });
});
