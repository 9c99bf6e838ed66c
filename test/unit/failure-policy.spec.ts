import { jest } from '@jest/globals';
import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import type { Decision } from '../../libs/rate-limit/src/core/decision.js';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { FailurePolicyStore } from '../../libs/rate-limit/src/stores/failure/failure-policy.store.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const local = definePolicy({ name: 'local', limit: 100, window: '1h' });
const open = definePolicy({ name: 'open', limit: 100, window: '1h', onStoreFailure: 'open' });
const closed = definePolicy({ name: 'closed', limit: 100, window: '1h', onStoreFailure: 'closed' });

let time: number;
let down: Error | undefined;
let told: string[];
/** What stands in for Redis: a store that other instances may spend from as well. */
let shared: MemoryStore;
beforeEach(() => {
  time = 1_800_000_000_000;
  down = undefined;
  told = [];
  shared = new MemoryStore({ now: () => time });
});

const failing = (now: () => number) => ({ mode: 'local', observer: {}, now }) as const;

function storeOf(instances?: number): FailurePolicyStore {
  const inner = {
    consume: async (hits: readonly Hit[]) => (down ? Promise.reject(down) : shared.consume(hits)),
    reset: async (policy: Policy, key: string) => shared.reset(policy, key),
  };
  const observer = {
    storeFailed: ({ detail }: StoreUnavailableError) => void told.push(detail),
    storeAnswers: () => void told.push('answers'),
  };
  return new FailurePolicyStore(inner, { mode: 'local', instances, observer, now: () => time });
}

const goDown = () => void (down = new StoreUnavailableError('away'));
const comeBack = () => void (down = undefined);

/** [allowed, limit, remaining] of one hit. */
const asking =
  (store: FailurePolicyStore, policy: Policy, key = 'k') =>
  async (cost: number) => {
    const [{ allowed, limit, remaining }] = (await store.consume([{ policy, key, cost }])) as [Decision];
    return [allowed, limit, remaining];
  };

describe('while the store fails', () => {
  it('a calendar day goes on until the same midnight, and then the next one begins', async () => {
    const daily = definePolicy({ name: 'daily', limit: 3, window: 'day Europe/Berlin' });
    const store = storeOf();
    const spend = () => store.consume([{ policy: daily, key: 'k', cost: 1 }]);
    time = Date.parse('2026-03-28T12:00:00Z');
    for (let i = 0; i < 2; i++) await spend();
    goDown();
    expect(await spend()).toMatchObject([{ allowed: true, remaining: 0, resetAfter: 11 * HOUR, by: 'local' }]);
    time += 11 * HOUR - 1;
    expect(await spend()).toMatchObject([{ allowed: false, retryAfter: 1 }]);
    time += 1;
    expect(await spend()).toMatchObject([{ allowed: true, remaining: 2, resetAfter: 23 * HOUR }]);
  });

  it('each policy has its answer, and the strictest decides', async () => {
    goDown();
    const store = storeOf();
    const ask = (...policies: Policy[]) => store.consume(policies.map((policy) => ({ policy, key: 'k', cost: 60 })));
    expect(await ask(local, open)).toMatchObject([
      { allowed: true, remaining: 40, by: 'local' },
      { allowed: true, remaining: 100, by: 'open' },
    ]);
    expect(await ask(open, local)).toMatchObject([{ allowed: true }, { allowed: false, remaining: 40 }]);
    await expect(ask(local, open, closed)).rejects.toBe(down);
  });

  it('what was the caller’s fault is told to him', async () => {
    const store = storeOf();
    down = new TypeError('a bug');
    await expect(store.consume([{ policy: local, key: 'k', cost: 1 }])).rejects.toBe(down);
    expect(told).toEqual([]);
  });

  it('the observer hears of it once', async () => {
    const ask = asking(storeOf(), local);
    goDown();
    for (let i = 0; i < 10; i++) await ask(1);
    expect(told).toEqual(['away']);
  });
});

describe('the store is said to answer again', () => {
  /** On the clock that never goes back, from a moment after its start. */
  let monotonic: number;
  beforeEach(() => {
    monotonic = 1_000;
    jest.spyOn(performance, 'now').mockImplementation(() => monotonic);
  });
  afterEach(() => jest.restoreAllMocks());

  /** Whether it is said when an answer comes so long after the last failure. */
  async function isSaidAfter(ask: (cost: number) => Promise<unknown>, span: number): Promise<boolean> {
    comeBack();
    monotonic += span;
    await ask(1);
    return told.splice(0).includes('answers');
  }
  async function fail(ask: (cost: number) => Promise<unknown>): Promise<void> {
    goDown();
    await ask(1);
    told.length = 0;
  }

  it('when nothing has failed for longer than a second, and for twice as long each time it wavers, up to a minute', async () => {
    const ask = asking(storeOf(), local);
    for (const calm of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      await fail(ask);
      expect([calm, await isSaidAfter(ask, calm)]).toEqual([calm, false]);
      expect([calm, await isSaidAfter(ask, 1)]).toEqual([calm, true]);
      monotonic += 57;
    }
  });

  it('counted from the last failure, not from the first', async () => {
    const ask = asking(storeOf(), local);
    await fail(ask);
    expect(await isSaidAfter(ask, 700)).toBe(false);
    await fail(ask);
    expect(await isSaidAfter(ask, 1_000)).toBe(false);
    expect(await isSaidAfter(ask, 1)).toBe(true);
  });

  it.each([
    [59_999, false],
    [60_000, true],
    [60_001, true],
  ])('after a second once more when it has answered for %d ms: %p', async (span, isSaid) => {
    const ask = asking(storeOf(), local);
    await fail(ask);
    expect(await isSaidAfter(ask, 1_001)).toBe(true);
    monotonic += span;
    await fail(ask);
    expect(await isSaidAfter(ask, 1_001)).toBe(isSaid);
  });
});

describe('a quota that is judged locally goes on from what the store last told of it', () => {
  it.each(algorithmNames)('%s', async (algorithm) => {
    const policy = definePolicy({ name: 'p', algorithm, limit: 100, window: '1h', ...burstOf(algorithm) });
    const ask = asking(storeOf(), policy);
    await ask(30);
    // Another instance's: what counts is what the store told this one last.
    shared.consume([{ policy, key: 'k', cost: 20 }]);
    await ask(10);
    goDown();
    expect(await ask(0)).toEqual([true, 100, 40]);
    expect(await ask(40)).toEqual([true, 100, 0]);
    expect(await ask(1)).toEqual([false, 100, 0]);
    time += 3 * HOUR;
    expect(await ask(100)).toEqual([true, 100, 0]);
  });

  it('a window ends when it was said to, and a bucket fills as it was said to', async () => {
    const store = storeOf();
    const bucket = definePolicy({ name: 'b', algorithm: 'token-bucket', limit: 3_600, window: '1h', burst: 10 });
    await asking(store, local)(100);
    await asking(store, bucket)(10);
    time += HOUR - 10 * SECOND;
    expect(await asking(store, local)(1)).toEqual([false, 100, 0]);
    expect(await asking(store, bucket)(10)).toEqual([true, 3_600, 0]);
    goDown();
    time += 2 * SECOND;
    expect(await asking(store, local)(1)).toEqual([false, 100, 0]);
    expect(await asking(store, bucket)(2)).toEqual([true, 3_600, 0]);
    time += 8 * SECOND - 1;
    expect(await asking(store, local)(1)).toEqual([false, 100, 0]);
    time += 1;
    expect(await asking(store, local)(1)).toEqual([true, 100, 99]);
  });

  it.each([
    ['true', 0],
    ['an hour slow', -HOUR],
    ['a day fast', 24 * HOUR],
  ])('a day in Berlin ends at the midnight of the store, when the clock here is %s', async (_, wrong) => {
    const inner = { consume: async (hits: readonly Hit[]) => (down ? Promise.reject(down) : shared.consume(hits)) };
    const store = new FailurePolicyStore(
      { ...inner, reset: async () => {} },
      failing(() => time + wrong),
    );
    const inZone = (timeZone: string) =>
      definePolicy({ name: 'day', limit: 100, window: { calendar: 'day', timeZone } });
    time = Date.parse('2027-03-28T21:59:50Z');
    await asking(store, inZone('Europe/Berlin'))(90);
    goDown();
    expect(await asking(store, inZone('Europe/Berlin'))(10)).toEqual([true, 100, 0]);
    // A zone that was changed meanwhile does not move it.
    for (const timeZone of ['Europe/Berlin', 'Asia/Tokyo']) {
      const [denied] = await store.consume([{ policy: inZone(timeZone), key: 'k', cost: 1 }]);
      expect(denied).toMatchObject({ allowed: false, retryAfter: 10 * SECOND, by: 'local' });
    }
    time += 10 * SECOND - 1;
    expect(await asking(store, inZone('Asia/Tokyo'))(1)).toEqual([false, 100, 0]);
    time += 1;
    expect(await asking(store, inZone('Europe/Berlin'))(1)).toEqual([true, 100, 99]);
  });

  it('what was spent here stays spent when the store wavers: of both the emptier one counts', async () => {
    const ask = asking(storeOf(), local);
    await ask(10);
    for (let turn = 0; turn < 5; turn++) {
      goDown();
      await ask(20);
      comeBack();
      await ask(1);
    }
    goDown();
    // 90 were left at first, of which 80 are spent here; the store told of 86 left.
    expect(await ask(0)).toEqual([true, 100, 10]);
    comeBack();
    await ask(50);
    expect(await ask(0)).toEqual([true, 100, 35]);
  });

  it('a reset is a full quota here too', async () => {
    const store = storeOf();
    const ask = asking(store, local);
    await ask(100);
    await store.reset(local, 'k');
    goDown();
    expect(await ask(0)).toEqual([true, 100, 100]);
  });

  it('an answer that was on its way when the quota was reset is not what was last told of it', async () => {
    let arrive!: () => void;
    const onItsWay = new Promise<void>((resolve) => (arrive = resolve));
    const inner = {
      consume: async (hits: readonly Hit[]) => {
        if (down) throw down;
        const decisions = shared.consume(hits);
        await onItsWay;
        return decisions;
      },
      reset: async () => void arrive(),
    };
    const store = new FailurePolicyStore(inner, { mode: 'local', observer: {}, now: () => time });
    const asked = store.consume([{ policy: local, key: 'k', cost: 100 }]);
    await store.reset(local, 'k');
    await asked;
    goDown();
    expect(await asking(store, local)(0)).toEqual([true, 100, 100]);
  });

  it('a limit that was raised meanwhile keeps what was used', async () => {
    const store = storeOf();
    await asking(store, local)(100);
    goDown();
    const raised = definePolicy({ name: 'local', limit: 150, window: '1h' });
    expect(await asking(store, raised)(0)).toEqual([true, 150, 50]);
  });

  it('of who has used next to nothing, the last few answers may be forgotten: a sixteenth of a quota at most', async () => {
    const large = definePolicy({ name: 'large', limit: 160, window: '1h' });
    const ask = asking(storeOf(), large);
    for (let used = 0; used < 9; used++) await ask(1);
    goDown();
    expect((await ask(0))[2]).toBeGreaterThanOrEqual(151);
    comeBack();
    await ask(1);
    goDown();
    expect(await ask(0)).toEqual([true, 160, 150]);
  });

  it('what is given back is remembered at once', async () => {
    const ask = asking(storeOf(), local);
    await ask(100);
    await ask(-99);
    goDown();
    expect(await ask(0)).toEqual([true, 100, 99]);
  });

  it('50,000 quotas are remembered at most, the last ones', async () => {
    const store = storeOf();
    for (let i = 0; i < 80_000; i++) await asking(store, local, `k${i}`)(100);
    goDown();
    let known = 0;
    for (let i = 0; i < 80_000; i++) if ((await asking(store, local, `k${i}`)(0))[2] === 0) known++;
    expect(known).toBeLessThanOrEqual(50_000);
    expect(known).toBeGreaterThanOrEqual(25_000);
    expect(await asking(store, local, 'k79999')(1)).toEqual([false, 100, 0]);
  });
});

describe('when instances share a quota', () => {
  it.each([
    [9, 4, 2],
    [9, 1, 9],
    [9, 10, 1],
    [0, 10, 0],
  ])('of %d, each of %d admits %d', async (limit, instances, share) => {
    goDown();
    const ask = asking(storeOf(instances), definePolicy({ name: 'p', limit, window: '1h' }));
    for (let left = share; left > 0; left--) expect(await ask(1)).toEqual([true, share, left - 1]);
    expect(await ask(1)).toEqual([false, share, 0]);
  });

  it('a bucket’s burst is shared like its limit', async () => {
    goDown();
    const bucket = definePolicy({ name: 'b', algorithm: 'token-bucket', limit: 1_000, window: '1h', burst: 40 });
    expect(await asking(storeOf(4), bucket)(10)).toEqual([true, 250, 0]);
  });

  it('who asks for more than a share, though not for more than the quota, is told to come back, not never to', async () => {
    goDown();
    const store = storeOf(4);
    const consume = async (cost: number) => (await store.consume([{ policy: local, key: 'k', cost }]))[0]!;
    expect(await consume(60)).toMatchObject({ allowed: false, retryAfter: 1_000, remaining: 25 });
    expect(await consume(26)).toMatchObject({ allowed: false, retryAfter: 1_000, remaining: 25 });
    expect(await consume(100)).toMatchObject({ allowed: false, retryAfter: 1_000 });
    expect(await consume(101)).toMatchObject({ allowed: false, retryAfter: -1 });
    expect(await consume(25)).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('of what was left, be it less than there are instances, each admits one unit at least', async () => {
    const few = definePolicy({ name: 'few', limit: 5, window: '1d' });
    const ask = asking(storeOf(8), few);
    await ask(1);
    goDown();
    expect([await ask(1), await ask(1)]).toEqual([
      [true, 1, 0],
      [false, 1, 0],
    ]);
  });

  it('what was left is shared: together they admit no more than that', async () => {
    const stores = [storeOf(4), storeOf(4), storeOf(4), storeOf(4)];
    await asking(stores[0]!, local)(30);
    for (const store of stores) await asking(store, local)(0);
    goDown();
    let admitted = 0;
    for (const store of stores) while ((await asking(store, local)(1))[0]) admitted++;
    expect(admitted).toBe(68);
  });
});

const burstOf = (algorithm: string) => (algorithm === 'gcra' ? { burst: 100 } : {});
