import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import type { RateLimitStore } from '../../libs/rate-limit/src/core/store.js';
import {
  DenialCacheStore,
  type DenialCacheOptions,
} from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { policy } from '../support/timeline.js';

const LONG = 60_000;
const KEY = 'k';

let time = 0;
let asked = 0;
let memory: MemoryStore;
let store: DenialCacheStore;
beforeEach(() => open());

/** A store that counts what it is asked, in the cache. */
function open(options: DenialCacheOptions = {}, change: Partial<RateLimitStore> = {}): void {
  time = 0;
  asked = 0;
  memory = new MemoryStore({ now: () => Math.floor(time) });
  const inner: RateLimitStore = {
    consume: (hits) => {
      asked++;
      return (change.consume ?? memory.consume.bind(memory))(hits);
    },
    reset: (...which) => (change.reset ?? memory.reset.bind(memory))(...which),
  };
  store = new DenialCacheStore(inner, { now: () => time, ...options });
}

const hit = (policy: Policy, cost = 1, key = KEY): Hit => ({ policy, key, cost });
const spend = async (policy: Policy, cost = 1, key = KEY) => (await store.consume([hit(policy, cost, key)]))[0]!;

/** Whether the store inside is asked for these hits now. */
async function asks(...hits: Hit[]): Promise<boolean> {
  const before = asked;
  await store.consume(hits);
  return asked > before;
}

const hourly = definePolicy({ name: 'hourly', limit: 2, window: '1h' });
const wide = definePolicy({ name: 'wide', limit: 100, window: '1h' });
const shut = definePolicy({ name: 'shut', limit: 0, window: '1h' });

/** Nothing is left of a policy, and the denial of one more is remembered. */
async function exhaust(policy: Policy): Promise<void> {
  await spend(policy, policy.limit);
  await spend(policy);
  expect(await asks(hit(policy))).toBe(false);
}

const ASKS = true;
const KNOWS = false;
type Moment = [
  at: number,
  cost: number,
  asks: boolean,
  allowed: boolean,
  remaining: number,
  retryAfter: number,
  resetAfter: number,
];

describe('a denial is told again, aged, until the first of its numbers changes', () => {
  async function timeline(policy: Policy, moments: Moment[], maxAge = LONG): Promise<void> {
    open({ maxAge });
    for (const moment of moments) {
      const [at, cost] = moment;
      time = at;
      const before = asked;
      const { allowed, remaining, retryAfter, resetAfter } = await spend(policy, cost);
      expect([at, cost, asked > before, allowed, remaining, retryAfter, resetAfter]).toEqual(moment);
    }
  }

  it('fixed-window, 3 in 10 s', async () => {
    await timeline(policy('fixed-window', { limit: 3, window: '10s' }), [
      [0, 3, ASKS, true, 0, 0, 10_000],
      [1_000, 1, ASKS, false, 0, 9_000, 9_000],
      [1_001, 1, KNOWS, false, 0, 8_999, 8_999],
      [9_998, 1, KNOWS, false, 0, 2, 2],
      [9_999, 1, ASKS, false, 0, 1, 1],
      [10_000, 1, ASKS, true, 2, 0, 10_000],
    ]);
  });

  it('sliding-window, 10 in 10 s, over the turn of its window', async () => {
    await timeline(policy('sliding-window', { limit: 10, window: '10s' }), [
      [0, 10, ASKS, true, 0, 0, 11_000],
      [5_000, 1, ASKS, false, 0, 6_000, 6_000],
      [9_000, 1, KNOWS, false, 0, 2_000, 2_000],
      [10_500, 1, KNOWS, false, 0, 500, 500],
      [11_000, 1, ASKS, true, 0, 0, 1_000],
      [15_000, 5, ASKS, false, 4, 1_000, 1_000],
      [15_400, 5, KNOWS, false, 4, 600, 600],
    ]);
  });

  it('sliding-log, 3 in 10 s', async () => {
    await timeline(policy('sliding-log', { limit: 3, window: '10s' }), [
      [0, 1, ASKS, true, 2, 0, 10_000],
      [4_000, 2, ASKS, true, 0, 0, 6_000],
      [4_000, 2, ASKS, false, 0, 10_000, 6_000],
      [7_000, 2, KNOWS, false, 0, 7_000, 3_000],
      [9_998, 2, KNOWS, false, 0, 4_002, 2],
      [9_999, 2, ASKS, false, 0, 4_001, 1],
      [10_000, 2, ASKS, false, 1, 4_000, 4_000],
      [13_000, 2, KNOWS, false, 1, 1_000, 1_000],
    ]);
  });

  it('token-bucket, 10 per second', async () => {
    await timeline(policy('token-bucket', { limit: 10, window: '1s' }), [
      [0, 10, ASKS, true, 0, 0, 100],
      [0, 3, ASKS, false, 0, 300, 100],
      [50, 3, KNOWS, false, 0, 250, 50],
      [98, 3, KNOWS, false, 0, 202, 2],
      [99, 3, ASKS, false, 0, 201, 1],
      [100, 3, ASKS, false, 1, 200, 100],
      [150, 3, KNOWS, false, 1, 150, 50],
      [300, 3, ASKS, true, 0, 0, 100],
    ]);
  });

  it('gcra, 10 per second', async () => {
    await timeline(policy('gcra', { limit: 10, window: '1s' }), [
      [0, 1, ASKS, true, 0, 0, 100],
      [30, 1, ASKS, false, 0, 70, 70],
      [60, 1, KNOWS, false, 0, 40, 40],
      [98, 1, KNOWS, false, 0, 2, 2],
      [100, 1, ASKS, true, 0, 0, 100],
    ]);
  });

  it('or for maxAge, if nothing changes: a cost that never passes', async () => {
    const three = policy('fixed-window', { limit: 3, window: '10s' });
    const moments: Moment[] = [
      [0, 4, ASKS, false, 3, -1, 0],
      [999, 4, KNOWS, false, 3, -1, 0],
      [1_000, 4, ASKS, false, 3, -1, 0],
      [1_999, 4, KNOWS, false, 3, -1, 0],
    ];
    await timeline(three, moments, 1_000);
  });

  it('be it resetAfter or retryAfter that ends first, of any hit', async () => {
    const told = { allowed: false, limit: 1, remaining: 0, by: 'store' } as const;
    for (const spans of [
      { resetAfter: 0, retryAfter: 50 },
      { resetAfter: 50, retryAfter: -1 },
      { resetAfter: 50, retryAfter: 90 },
    ]) {
      open(
        {},
        {
          consume: async () => [
            { ...told, resetAfter: 0, retryAfter: -1 },
            { ...told, ...spans },
          ],
        },
      );
      await store.consume([hit(shut), hit(hourly)]);
      time = 48.9;
      expect(await asks(hit(shut), hit(hourly))).toBe(false);
      time = 49;
      expect(await asks(hit(shut), hit(hourly))).toBe(true);
    }
  });

  it('or for maxAge, if that is shorter than any wait; a second of it is the default', async () => {
    await exhaust(hourly);
    time = 999;
    expect(await asks(hit(hourly))).toBe(false);
    time = 1_000;
    expect(await asks(hit(hourly))).toBe(true);
  });
});

describe('what is remembered is a whole request', () => {
  const burst = policy('token-bucket', { limit: 10, window: '1s' });

  it('with the decisions of all of its hits, for as long as none of them changes', async () => {
    const request = [hit(wide), hit(hourly, 3), hit(burst)];
    await spend(burst);
    const first = await store.consume(request);
    expect(first.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 100],
      [false, 2],
      [true, 9],
    ]);
    expect(first[2]).toMatchObject({ resetAfter: 100, retryAfter: 0 });
    time = 98;
    const again = await store.consume(request);
    expect(again).toEqual(
      [first[0], first[1], { ...first[2], resetAfter: 2 }].map((decision) => ({ ...decision, by: 'remembered' })),
    );
    expect(asked).toBe(2);
    time = 99;
    expect(await asks(...request)).toBe(true);
  });

  it('a request that differs in anything is another', async () => {
    const twice = definePolicy({ name: 'twice', limit: 2, window: '1h', algorithm: 'token-bucket', burst: 2 });
    const more = definePolicy({ name: 'twice', limit: 3, window: '1h', algorithm: 'token-bucket', burst: 2 });
    const larger = definePolicy({ name: 'twice', limit: 2, window: '1h', algorithm: 'token-bucket', burst: 4 });
    const other = definePolicy({ name: 'other', limit: 2, window: '1h', algorithm: 'token-bucket', burst: 2 });
    const known = [hit(twice, 3), hit(wide)];
    const others: Hit[][] = [
      [hit(wide), hit(twice, 3)],
      [hit(twice, 3)],
      [hit(twice, 3), hit(wide), hit(shut)],
      [hit(twice, 4), hit(wide)],
      [hit(twice, 3, 'other'), hit(wide)],
      [hit(twice, 3), hit(wide, 2)],
      [hit(twice, 3), hit(wide, 1, 'other')],
      [hit(other, 3), hit(wide)],
      [hit(twice, 3), hit(definePolicy({ name: 'other', limit: 100, window: '1h' }))],
      [hit(more, 3), hit(wide)],
      [hit(larger, 3), hit(wide)],
    ];
    for (const different of others) {
      open();
      await store.consume(known);
      expect(await asks(...known)).toBe(false);
      expect([different, await asks(...different)]).toEqual([different, true]);
    }
    // What says the same is the same, also where the limit is made anew for each request.
    expect(await asks(hit(definePolicy({ name: 'shut', limit: 0, window: '1h' })))).toBe(true);
    expect(await asks(hit(definePolicy({ name: 'shut', limit: 0, window: '1h' })))).toBe(false);
  });

  it('of many that begin alike the last ones are remembered', async () => {
    const requests = Array.from({ length: 10 }, (_, i) => [hit(shut), hit(wide, 1, `k${i}`)]);
    for (const request of requests) await store.consume(request);
    const asked = [];
    for (const request of requests.toReversed()) asked.push(await asks(...request));
    expect(asked).toEqual([false, false, false, false, false, false, false, false, true, true]);
  });

  it('one that comes in numbers, or is over, takes nobody’s place', async () => {
    open({ maxAge: LONG });
    const request = [hit(shut), hit(wide)];
    await store.consume(request);
    await Promise.all(Array.from({ length: 20 }, async () => store.consume([hit(shut, 2)])));
    expect(await asks(...request)).toBe(false);
    for (let i = 0; i < 20; i++) {
      time += 200;
      await spend(burst, 1, `k${i}`);
      await store.consume([hit(shut), hit(burst, 1, `k${i}`)]);
    }
    expect(await asks(...request)).toBe(false);
  });

  it('the same policy and key twice in a request are compared as they were given', async () => {
    const request = [hit(hourly, 1), hit(hourly, 2)];
    const denied = await store.consume(request);
    expect(denied.map(({ allowed }) => allowed)).toEqual([false, false]);
    const again = await store.consume(request);
    expect(again).toEqual(denied.map((decision) => ({ ...decision, by: 'remembered' })));
    expect(asked).toBe(1);
    expect(await asks(hit(hourly, 2), hit(hourly, 1))).toBe(true);
    expect(await asks(hit(hourly, 1), hit(hourly, 1))).toBe(true);
  });

  it('not what was admitted, not one decided without the store, not a long key', async () => {
    expect([await asks(hit(wide)), await asks(hit(wide)), await asks(hit(wide, 0))]).toEqual([true, true, true]);
    expect([await asks(), await asks()]).toEqual([true, true]);

    const exactly = 'k'.repeat(256);
    expect([await asks(hit(shut, 1, exactly)), await asks(hit(shut, 1, exactly))]).toEqual([true, false]);
    const longer = 'k'.repeat(257);
    open();
    expect([await asks(hit(shut, 1, longer)), await asks(hit(shut, 1, longer))]).toEqual([true, true]);
    await store.reset(shut, longer);
    expect(store.size).toBe(0);

    const decidedHere = async (hits: readonly Hit[]) => {
      const [first, ...rest] = memory.consume(hits);
      return [{ ...first!, by: 'local' as const }, ...rest];
    };
    open({}, { consume: decidedHere });
    expect([await asks(hit(shut)), await asks(hit(shut))]).toEqual([true, true]);
    // One hit without it is enough, even if another was denied.
    expect([await asks(hit(wide), hit(shut)), await asks(hit(wide), hit(shut))]).toEqual([true, true]);
  });

  it('errors of the store inside pass as they are, and are not remembered', async () => {
    const error = new StoreUnavailableError('away');
    open({}, { consume: () => Promise.reject(error), reset: () => Promise.reject(error) });
    await expect(store.consume([hit(shut)])).rejects.toBe(error);
    await expect(store.consume([hit(shut)])).rejects.toBe(error);
    await expect(store.consume([hit(shut, -1)])).rejects.toBe(error);
    await expect(store.reset(shut, KEY)).rejects.toBe(error);
    expect(asked).toBe(3);
  });

  it('malformed hits are refused by the store inside, even beside ones that are remembered', async () => {
    const malformed: unknown[] = [
      undefined,
      null,
      {},
      { ...hit(hourly), policy: undefined },
      { ...hit(hourly), policy: { ...hourly } },
      { ...hit(hourly), key: 7 },
      { ...hit(hourly), key: undefined },
      { ...hit(hourly), cost: '1' },
      { ...hit(hourly), cost: 1.5 },
      { ...hit(hourly), cost: NaN },
      { ...hit(hourly), cost: -1.5 },
      { ...hit(hourly), cost: Symbol('1') },
      { ...hit(hourly), key: 7, cost: -1 },
    ];
    for (const bad of malformed as Hit[]) {
      expect(() => store.consume([bad])).toThrow();
      await exhaust(hourly);
      expect(() => store.consume([hit(hourly), bad])).toThrow();
    }
    await expect(store.reset(undefined as never, 7 as never)).rejects.toThrow();
  });

  it('what a caller does with his hits and decisions later does not touch it', async () => {
    const hits = [{ ...hit(shut) }];
    const decisions = await store.consume(hits);
    decisions.pop();
    hits[0]!.key = 'other';
    expect(await asks(...hits)).toBe(true);
    expect(await store.consume([hit(shut)])).toHaveLength(1);
    expect(asked).toBe(2);
  });
});

describe('what happens in this process is seen at once', () => {
  const both = [hit(hourly), hit(wide)];

  it.each<[string, () => Promise<unknown>]>([
    ['a reset', () => store.reset(hourly, KEY)],
    ['a give-back', () => spend(hourly, -1)],
    ['a give-back among other hits', async () => store.consume([hit(wide), hit(hourly, -1)])],
    ['a give-back under another limit', () => spend(definePolicy({ name: 'hourly', limit: 9, window: '1h' }), -2)],
  ])('%s', async (_what, give) => {
    await exhaust(hourly);
    await store.consume(both);
    expect(await asks(...both)).toBe(false);
    await give();
    expect((await store.consume(both)).every(({ allowed }) => allowed)).toBe(true);
  });

  it('a give-back to another state changes nothing', async () => {
    await exhaust(hourly);
    await store.reset(hourly, 'other');
    await spend(hourly, -1, 'other');
    await store.reset(wide, KEY);
    expect(await asks(hit(hourly))).toBe(false);
  });

  it('a charge changes what is left: the denials beside it are asked for again', async () => {
    await spend(hourly, 2);
    await store.consume(both);
    expect(await asks(...both)).toBe(false);
    await spend(wide, 7);
    expect((await store.consume(both))[1]!.remaining).toBe(93);
    // A look does not, and neither does a denial.
    await spend(wide, 0);
    await spend(wide, 1_000);
    expect(await asks(...both)).toBe(false);
  });

  it('another limit on the same state: a bucket fills at its rate, even for one who only looks', async () => {
    const slow = policy('token-bucket', { limit: 1, window: '1h' });
    const fast = policy('token-bucket', { limit: 1_000_000, window: '1h' });
    await exhaust(slow);
    time = 10;
    await spend(fast, 0);
    expect((await spend(slow)).allowed).toBe(true);
    await exhaust(slow);
    const slower = policy('token-bucket', { limit: 0, window: '1h' });
    expect([await asks(hit(slower)), await asks(hit(slower)), await asks(hit(slower))]).toEqual([true, true, false]);
  });
});

describe('what is on its way', () => {
  /** Calls to the store inside wait to be judged, and then to be answered. */
  interface Call {
    judge(): void;
    answer(): Promise<void>;
    fail(): Promise<void>;
  }
  let calls: Call[];
  const waiting = <T>(ask: () => T | Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      let answer: T | Promise<T>;
      const turn = () => new Promise<void>((done) => setImmediate(done));
      calls.push({
        judge: () => void (answer = ask()),
        answer: () => (resolve(answer), turn()),
        fail: () => (reject(new StoreUnavailableError('away')), turn()),
      });
    });

  beforeEach(async () => {
    calls = [];
    open(
      {},
      { consume: (hits) => waiting(() => memory.consume(hits)), reset: (...s) => waiting(() => memory.reset(...s)) },
    );
    memory.consume([hit(hourly, 2)]);
  });
  const sent = (send: () => Promise<unknown>): Call => {
    void send().catch(() => {});
    return calls.at(-1)!;
  };
  const denial = () => sent(() => spend(hourly));
  const knows = async () => {
    const before = calls.length;
    const call = sent(() => spend(hourly));
    if (calls.length === before) return true;
    call.judge();
    await call.answer();
    return false;
  };

  it('a denial that was answered is known', async () => {
    const denied = denial();
    denied.judge();
    await denied.answer();
    expect(await knows()).toBe(true);
  });

  const loosenings: [string, () => Promise<unknown>][] = [
    ['give-back', () => spend(hourly, -1)],
    ['reset', () => store.reset(hourly, KEY)],
  ];
  describe.each(loosenings)('%s', (_what, loosen) => {
    it('that was called after a denial was sent, and answered before it', async () => {
      const denied = denial();
      denied.judge();
      const given = sent(loosen);
      given.judge();
      await given.answer();
      await denied.answer();
      expect(await knows()).toBe(false);
    });

    it('that was called before a denial was answered, and is answered after it', async () => {
      const denied = denial();
      const given = sent(loosen);
      denied.judge();
      await denied.answer();
      expect(await knows()).toBe(false);
      given.judge();
      await given.answer();
      expect(await knows()).toBe(false);
    });

    it('that was called before a denial was sent, and overtaken by it', async () => {
      const given = sent(loosen);
      const denied = denial();
      denied.judge();
      given.judge();
      await denied.answer();
      expect(await knows()).toBe(false);
      await given.answer();
    });

    it('that was called before a denial was sent, and answered before it', async () => {
      const given = sent(loosen);
      const denied = denial();
      denied.judge();
      given.judge();
      await given.answer();
      await denied.answer();
      expect(await knows()).toBe(false);
    });

    it('that is under way when a denial was known already', async () => {
      const denied = denial();
      denied.judge();
      await denied.answer();
      const given = sent(loosen);
      given.judge();
      expect(await knows()).toBe(false);
      await given.answer();
    });

    it('that failed may have been done', async () => {
      const denied = denial();
      denied.judge();
      const given = sent(loosen);
      given.judge();
      await given.fail();
      await denied.answer();
      expect(await knows()).toBe(false);
    });

    it('one of two: the other is still under way', async () => {
      const [first, second] = [sent(loosen), sent(loosen)];
      first.judge();
      await first.answer();
      memory.consume([hit(hourly, 2)]);
      const denied = denial();
      denied.judge();
      second.judge();
      await denied.answer();
      expect(await knows()).toBe(false);
      await second.answer();
    });

    it('whose state was let go for lack of room, before a denial that was sent earlier is answered', async () => {
      open(
        { maxEntries: 4 },
        { consume: (hits) => waiting(() => memory.consume(hits)), reset: (...s) => waiting(() => memory.reset(...s)) },
      );
      memory.consume([hit(hourly, 2)]);
      const denied = denial();
      denied.judge();
      const given = sent(loosen);
      given.judge();
      await given.answer();
      for (const key of ['a', 'b', 'c', 'd']) {
        const other = sent(() => spend(shut, 1, key));
        other.judge();
        await other.answer();
      }
      await denied.answer();
      expect(await knows()).toBe(false);
    });

    it('that is under way while another is charged', async () => {
      const other = sent(() => spend(shut));
      other.judge();
      await other.answer();
      const given = sent(loosen);
      given.judge();
      const charged = sent(() => spend(hourly));
      charged.judge();
      await charged.answer();
      memory.consume([hit(hourly, 2)]);
      memory.consume([hit(hourly)]);
      const denied = denial();
      denied.judge();
      await denied.answer();
      expect(await knows()).toBe(false);
      await given.answer();
    });

    it('that is under way in a flood is not forgotten for lack of room', async () => {
      open(
        { maxEntries: 4 },
        { consume: (hits) => waiting(() => memory.consume(hits)), reset: (...s) => waiting(() => memory.reset(...s)) },
      );
      memory.consume([hit(hourly, 2)]);
      expect([await knows(), await knows()]).toEqual([false, true]);
      const given = sent(loosen);
      expect(await knows()).toBe(false);
      for (const key of ['a', 'b', 'c', 'd']) {
        const other = sent(() => spend(shut, 1, key));
        other.judge();
        await other.answer();
      }
      expect(await knows()).toBe(false);
      expect(await knows()).toBe(false);
      given.judge();
      await given.answer();
      memory.consume([hit(hourly, 2)]);
      memory.consume([hit(hourly)]);
      expect([await knows(), await knows()]).toEqual([false, true]);
    });

    it('and when it is over denials are remembered again', async () => {
      const given = sent(loosen);
      given.judge();
      await given.answer();
      memory.consume([hit(hourly, 2)]);
      memory.consume([hit(hourly, 1)]);
      expect(await knows()).toBe(false);
      expect(await knows()).toBe(true);
    });
  });

  it('counts from its sending: no longer denied than by the store itself', async () => {
    const soon = policy('fixed-window', { limit: 1, window: 100 });
    open({}, { consume: (hits) => waiting(() => memory.consume(hits)) });
    time = 0.9;
    memory.consume([hit(soon)]); // at 0, by its own clock: the window ends at 100
    time = 10.9;
    const denied = sent(() => spend(soon));
    denied.judge();
    time = 40;
    await denied.answer();
    const before = calls.length;
    time = 99.8;
    await spend(soon);
    expect(calls).toHaveLength(before);
    time = 100;
    sent(() => spend(soon));
    expect(calls).toHaveLength(before + 1);
  });

  it('one that took longer than it would be remembered is not', async () => {
    const denied = denial();
    denied.judge();
    time = 1_000;
    await denied.answer();
    expect(store.size).toBe(0);
    expect(await knows()).toBe(false);
  });

  it('tells waits that are long enough, however long the way to the store and back', async () => {
    const soon = policy('fixed-window', { limit: 1, window: 1_000 });
    open({}, { consume: (hits) => waiting(() => memory.consume(hits)) });
    const denied = sent(() => spend(soon));
    time = 300;
    memory.consume([hit(soon)]);
    denied.judge(); // at 300: the next window begins at 1,300
    time = 340.5;
    await denied.answer();
    time = 400;
    const { retryAfter } = await spend(soon);
    expect(calls).toHaveLength(1);
    expect(retryAfter).toBe(941);
    time += retryAfter;
    expect(memory.consume([hit(soon)])[0]!.allowed).toBe(true);
  });
});

describe('what is kept is bounded', () => {
  const heap = (): number => {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    return process.memoryUsage().heapUsed;
  };

  it('under a flood of 100,000 keys that are all denied, by as many policies', async () => {
    open({ maxEntries: 1_000 });
    const before = heap();
    let most = 0;
    for (let i = 0; i < 100_000; i++) {
      await store.consume([hit(shut, 1, `flood-${i}`)]);
      await store.consume([hit(definePolicy({ name: `p${i}`, limit: 0, window: '1h' }))]);
      most = Math.max(most, store.size);
    }
    expect(most).toBe(1_000);
    expect(heap() - before).toBeLessThan(5_000_000);
    expect(await asks(hit(shut, 1, 'flood-0'))).toBe(true);
    expect(await asks(hit(shut, 1, 'flood-99999'))).toBe(false);
  });

  it('under as many requests that begin alike, and as many give-backs', async () => {
    open({ maxEntries: 100 });
    let most = 0;
    for (let i = 0; i < 10_000; i++) {
      await store.consume([hit(shut), hit(wide, 1, `k${i}`)]);
      most = Math.max(most, store.size);
    }
    for (let i = 0; i < 10_000; i++) {
      await store.reset(wide, `k${i}`);
      most = Math.max(most, store.size);
    }
    expect(most).toBe(100);
  });

  it('what was kept longest goes first, a tenth at once', async () => {
    open({ maxEntries: 20 });
    const keys = Array.from({ length: 11 }, (_, i) => `k${i}`);
    for (const key of keys.slice(0, 10)) await spend(shut, 1, key);
    expect(store.size).toBe(20);
    expect(await asks(hit(shut, 2, 'k0'))).toBe(true);
    expect(store.size).toBe(17);
    await spend(shut, 1, 'k10');
    const known = [];
    for (const i of [0, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2]) known.push(!(await asks(hit(shut, 1, keys[i]))));
    expect(known).toEqual([true, true, true, true, true, true, true, true, true, false, false]);
  });

  it('when a flood is over all of it is let go, as soon as anybody is admitted', async () => {
    for (let i = 0; i < 1_000; i++) await spend(shut, 1, `k${i}`);
    for (let i = 0; i < 1_000; i++) await store.reset(wide, `k${i}`);
    expect(store.size).toBe(3_000);
    time = 999;
    await spend(wide);
    expect(store.size).toBe(3_000);
    time = 1_000;
    await spend(wide);
    expect(store.size).toBe(0);
  });
});

describe('a denial under a calendar window', () => {
  const inZone = (timeZone: string, limit = 2) =>
    definePolicy({ name: 'day', limit, window: { calendar: 'day', timeZone } });

  it('is repeated until the window ends, whatever the zone is by then', async () => {
    const HOUR = 3_600_000;
    open({ maxAge: 48 * HOUR });
    // The epoch is one in the morning in Berlin, as it was then: 23 hours are left.
    await exhaust(inZone('Europe/Berlin'));
    const denied = await spend(inZone('Asia/Tokyo'));
    expect(denied).toMatchObject({ retryAfter: 23 * HOUR, by: 'remembered' });
    for (const at of [15 * HOUR, 23 * HOUR - 2]) {
      time = at;
      for (const zone of ['Europe/Berlin', 'Asia/Tokyo']) expect(await asks(hit(inZone(zone)))).toBe(KNOWS);
    }
    time = 23 * HOUR - 1;
    expect((await spend(inZone('Europe/Berlin'))).allowed).toBe(false);
    time = 23 * HOUR;
    expect(await spend(inZone('Asia/Tokyo'))).toMatchObject({ allowed: true, remaining: 1, resetAfter: 16 * HOUR });
  });

  it('ends when the limit is raised', async () => {
    open({ maxAge: 100_000_000 });
    await exhaust(inZone('Europe/Berlin'));
    expect(await spend(inZone('Europe/Berlin', 3))).toMatchObject({ allowed: true, remaining: 0 });
  });
});
