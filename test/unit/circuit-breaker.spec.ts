import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import type { Decision } from '../../libs/rate-limit/src/core/decision.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { CircuitBreaker } from '../../libs/rate-limit/src/stores/circuit-breaker.js';
import { FailurePolicyStore } from '../../libs/rate-limit/src/stores/failure-policy.store.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory.store.js';

let time: number;
beforeEach(() => void (time = 1_000));
const now = () => time;
const failing = (random = 0.5) => {
  const breaker = new CircuitBreaker({ now, random: () => random });
  for (let i = 0; i < 5; i++) breaker.failed();
  return breaker;
};

describe('a circuit breaker', () => {
  it('lets everybody ask until five calls in a row have failed', () => {
    const breaker = new CircuitBreaker({ now });
    for (const failed of [1, 1, 1, 1, 0, 1, 1, 1, 1]) {
      if (failed) breaker.failed();
      else breaker.answered();
      expect(breaker.mayAsk()).toBe(true);
    }
    breaker.failed();
    expect(breaker.mayAsk()).toBe(false);
  });

  it('lets one ask after each pause, and each pause is twice as long, up to half a second', () => {
    const breaker = failing();
    for (const pause of [50, 100, 200, 400, 500, 500]) {
      time += pause - 1;
      expect(breaker.mayAsk()).toBe(false);
      time += 1;
      expect([breaker.mayAsk(), breaker.mayAsk(), breaker.mayAsk()]).toEqual([true, false, false]);
      breaker.failed();
    }
  });

  it('begins a pause when the one who tried has failed, and waits two seconds for one who never hears', () => {
    const breaker = failing();
    time += 50;
    expect(breaker.mayAsk()).toBe(true);
    time += 250;
    expect(breaker.mayAsk()).toBe(false);
    breaker.failed();
    time += 99;
    expect(breaker.mayAsk()).toBe(false);
    time += 1;
    expect(breaker.mayAsk()).toBe(true);
    time += 1_999;
    expect(breaker.mayAsk()).toBe(false);
    time += 1;
    expect(breaker.mayAsk()).toBe(true);
  });

  it.each([
    [0, 37.5],
    [0.999_999, 62.5],
  ])('makes pauses of many instances differ (%d)', (random, pause) => {
    const breaker = failing(random);
    time += pause - 0.1;
    expect(breaker.mayAsk()).toBe(false);
    time += 0.1;
    expect(breaker.mayAsk()).toBe(true);
  });

  it('is not kept waiting by those who asked before the pause', () => {
    const breaker = failing();
    time += 49;
    for (let i = 0; i < 100; i++) breaker.failed();
    time += 1;
    expect(breaker.mayAsk()).toBe(true);
  });

  it('lets everybody ask after the first answer, and begins with a short pause the next time', () => {
    const breaker = failing();
    for (let i = 0; i < 4; i++) {
      time += 500;
      expect(breaker.mayAsk()).toBe(true);
      breaker.failed();
    }
    time += 500;
    expect(breaker.mayAsk()).toBe(true);
    breaker.answered();
    expect([breaker.mayAsk(), breaker.mayAsk()]).toEqual([true, true]);
    for (let i = 0; i < 5; i++) breaker.failed();
    time += 50;
    expect(breaker.mayAsk()).toBe(true);
  });
});

describe('a store that fails', () => {
  const local = definePolicy({ name: 'local', limit: 1_000, window: '1h' });
  const closed = definePolicy({ name: 'closed', limit: 1_000, window: '1h', onStoreFailure: 'closed' });
  const hit = (policy = local): Hit[] => [{ policy, key: 'k', cost: 1 }];
  const told: (string | undefined)[] = [];
  let asked: number;
  let down: Error | undefined;
  let store: FailurePolicyStore;
  beforeEach(() => {
    asked = 0;
    told.length = 0;
    down = new StoreUnavailableError('away');
    const memory = new MemoryStore();
    const inner = {
      consume: async (hits: readonly Hit[]) => {
        asked++;
        if (down) throw down;
        return memory.consume(hits);
      },
      reset: async () => {},
    };
    store = new FailurePolicyStore(
      inner,
      { mode: 'local', local: new MemoryStore(), changed: (failure) => void told.push(failure?.detail) },
      new CircuitBreaker({ now, random: () => 0.5 }),
    );
  });

  it('is asked five times, then once after each pause; each policy has its answer all the same', async () => {
    for (let i = 0; i < 100; i++) expect((await store.consume(hit()))[0]!.degraded).toBe(true);
    await expect(store.consume(hit(closed))).rejects.toThrow(down);
    expect(asked).toBe(5);
    time += 50;
    for (let i = 0; i < 100; i++) await store.consume(hit());
    expect(asked).toBe(6);
    expect((await store.consume(hit()))[0]!.remaining).toBe(1_000 - 201);
    expect(told).toEqual(['away']);
  });

  it('is asked by all again once it has answered one', async () => {
    for (let i = 0; i < 10; i++) await store.consume(hit());
    down = undefined;
    expect((await store.consume(hit()))[0]!.degraded).toBe(true);
    time += 50;
    for (let i = 0; i < 3; i++)
      expect((await store.consume(hit()))[0]).toMatchObject({ degraded: false, remaining: 999 - i });
  });

  it('is tried by the next one when the caller whose turn it was made a mistake', async () => {
    for (let i = 0; i < 10; i++) await store.consume(hit());
    time += 50;
    down = new TypeError('a bug');
    await expect(store.consume(hit())).rejects.toThrow('a bug');
    down = undefined;
    expect((await store.consume(hit()))[0]!.degraded).toBe(false);
  });

  it('is stood in for by a share of the quota, when instances share it', async () => {
    const shared = (policy: Policy, instances: number) => {
      const failing = { consume: async () => Promise.reject(down!), reset: async () => {} };
      const store = new FailurePolicyStore(failing, {
        mode: 'local',
        local: new MemoryStore(),
        instances,
        changed() {},
      });
      return async (cost: number) => {
        const [{ allowed, limit, remaining }] = (await store.consume([{ policy, key: 'k', cost }])) as [Decision];
        return [allowed, limit, remaining];
      };
    };
    const nine = definePolicy({ name: 'nine', limit: 9, window: '1h' });
    const ask = shared(nine, 4);
    expect([await ask(1), await ask(1), await ask(1)]).toEqual([
      [true, 2, 1],
      [true, 2, 0],
      [false, 2, 0],
    ]);
    expect(await shared(nine, 1)(1)).toEqual([true, 9, 8]);
    expect(await shared(nine, 10)(1)).toEqual([true, 1, 0]);
    expect(await shared(definePolicy({ name: 'none', limit: 0, window: '1h' }), 10)(1)).toEqual([false, 0, 0]);
    const bucket = definePolicy({ name: 'b', algorithm: 'token-bucket', limit: 1_000, window: '1h', burst: 40 });
    expect(await shared(bucket, 4)(10)).toEqual([true, 250, 0]);
  });

  it('is asked on when what failed was the caller’s fault', async () => {
    down = new TypeError('a bug');
    for (let i = 0; i < 20; i++) await expect(store.consume(hit())).rejects.toThrow('a bug');
    expect(asked).toBe(20);
  });
});
