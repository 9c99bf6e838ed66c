/**
 * What every store promises, as checks for any test runner.
 *
 * @module nestjs-redis-rate-limit/conformance
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { algorithmNames } from '../core/algorithms/index.js';
import type { Clock } from '../core/clock.js';
import { RateLimitError } from '../core/errors.js';
import type { Hit } from '../core/hit.js';
import { definePolicy, type Policy, type PolicyDefinition } from '../core/policy.js';
import type { RateLimitStore } from '../core/store.js';

/** A sentence that is true of every store, and the check that it is. */
export interface StoreLaw {
  /** For the test's name. Of all laws no two say the same. */
  readonly sentence: string;
  /** Opens a store and tries it. Rejects with an `AssertionError` of `node:assert` when the sentence is not true. */
  readonly check: () => Promise<void>;
}

/**
 * What every store promises (see {@link RateLimitStore}), for any test runner:
 *
 * ```ts
 * for (const { sentence, check } of storeConformance((now) => new MyStore({ now }))) it(sentence, check);
 * ```
 *
 * Keys are unique to each check, so the store may hold other data. A store that judges by a clock of its own cannot be
 * tested so: it must take the one it is handed, at least in tests.
 *
 * @param open gives a store that judges by the clock it is handed; called once per check
 */
export function storeConformance(open: (now: Clock) => RateLimitStore | Promise<RateLimitStore>): StoreLaw[] {
  const laws: StoreLaw[] = [];
  const law = (sentence: string, prove: (bench: Bench) => Promise<void>) =>
    laws.push({
      sentence,
      check: async () => {
        const clock = { now: 1_800_000_000_000 };
        const store = await open(() => clock.now);
        await prove(new Bench(store, clock));
      },
    });

  for (const algorithm of algorithmNames) {
    const three = (more: Partial<PolicyDefinition> = {}) => {
      const burst = algorithm === 'gcra' ? { burst: 3 } : {};
      return definePolicy({ name: 'three', algorithm, limit: 3, window: '3s', ...burst, ...more });
    };

    law(`${algorithm}: admits the quota and denies the next`, async ({ spend }) => {
      assert.deepEqual((await spend(three())).remaining, 2);
      assert.deepEqual((await spend(three(), { cost: 2 })).remaining, 0);
      const denied = await spend(three());
      assert.equal(denied.allowed, false);
      assert.equal(denied.limit, 3);
      assert.equal(denied.degraded, false);
      assert.ok(denied.retryAfter > 0 && denied.retryAfter >= denied.resetAfter);
    });

    law(`${algorithm}: a denied hit passes exactly after retryAfter, and not a millisecond sooner`, async (bench) => {
      await bench.spend(three(), { cost: 2 });
      bench.clock.now += 700;
      await bench.spend(three());
      const { retryAfter } = await bench.spend(three(), { cost: 2 });
      bench.clock.now += retryAfter - 1;
      assert.equal((await bench.spend(three(), { cost: 2 })).allowed, false);
      bench.clock.now += 1;
      assert.equal((await bench.spend(three(), { cost: 2 })).allowed, true);
    });

    law(`${algorithm}: cost 0 is always allowed and changes nothing`, async ({ spend, look }) => {
      assert.deepEqual(await look(three()), {
        allowed: true,
        limit: 3,
        remaining: 3,
        resetAfter: 0,
        retryAfter: 0,
        degraded: false,
      });
      await spend(three(), { cost: 3 });
      const once = await look(three());
      assert.equal(once.allowed, true);
      assert.equal(once.remaining, 0);
      assert.deepEqual(await look(three()), once);
    });

    law(`${algorithm}: a negative cost gives back, never above full`, async ({ spend, look }) => {
      await spend(three(), { cost: 2 });
      assert.equal((await spend(three(), { cost: -1 })).remaining, 2);
      assert.equal((await spend(three(), { cost: -1_000_000 })).remaining, 3);
      assert.equal((await look(three())).resetAfter, 0);
      assert.equal((await spend(three(), { cost: 3 })).allowed, true);
      assert.equal((await spend(three())).allowed, false);
    });

    law(`${algorithm}: a cost above what the policy ever holds is told apart from waiting`, async ({ spend, look }) => {
      const denied = await spend(three(), { cost: 4 });
      assert.equal(denied.allowed, false);
      assert.equal(denied.retryAfter, -1);
      assert.equal((await look(three())).remaining, 3);
    });

    law(`${algorithm}: limit 0 denies everything`, async ({ spend }) => {
      const none = three({ limit: 0 });
      const denied = await spend(none);
      assert.deepEqual([denied.allowed, denied.limit, denied.remaining, denied.retryAfter], [false, 0, 0, -1]);
    });

    law(`${algorithm}: another limit keeps what has been used`, async ({ spend, look }) => {
      const burst = algorithm === 'gcra' ? { burst: 5 } : {};
      await spend(three(), { cost: 3 });
      assert.equal((await look(three({ limit: 5, ...burst }))).remaining, 2);
    });

    law(`${algorithm}: another window meets no foreign state`, async ({ spend, look }) => {
      await spend(three(), { cost: 3 });
      assert.equal((await look(three({ window: '4s' }))).remaining, 3);
    });

    law(`${algorithm}: reset makes the quota full again`, async ({ store, spend, look, key }) => {
      await spend(three(), { cost: 3 });
      await store.reset(three(), key);
      const { remaining, resetAfter } = await look(three());
      assert.deepEqual([remaining, resetAfter], [3, 0]);
    });

    law(`${algorithm}: a clock that goes back frees nothing`, async ({ spend, clock }) => {
      await spend(three(), { cost: 3 });
      for (const step of [1, 500, 2_900]) {
        clock.now -= step;
        assert.equal((await spend(three())).allowed, false);
      }
    });

    law(`${algorithm}: a clock that had jumped and came back does not lock out for the jump`, async (bench) => {
      bench.clock.now += 86_400_000;
      await bench.spend(three(), { cost: 3 });
      bench.clock.now -= 86_400_000;
      const denied = await bench.spend(three());
      assert.equal(denied.allowed, false);
      assert.ok(denied.retryAfter <= 6_000, `retryAfter is ${denied.retryAfter}`);
      bench.clock.now += denied.retryAfter;
      assert.equal((await bench.spend(three())).allowed, true);
    });
  }

  const narrow = definePolicy({ name: 'narrow', limit: 1, window: '1h' });
  const wide = definePolicy({ name: 'wide', limit: 5, window: '1d', algorithm: 'sliding-log' });

  law('all hits of a request are charged or none; a denied request says so', async ({ store, hit }) => {
    await store.consume([hit(narrow), hit(wide)]);
    const [denied, untouched] = await store.consume([hit(narrow), hit(wide, { cost: 2 })]);
    assert.deepEqual([denied!.allowed, denied!.remaining], [false, 0]);
    assert.deepEqual([untouched!.allowed, untouched!.remaining, untouched!.retryAfter], [true, 4, 0]);
    const [looked] = await store.consume([hit(wide, { cost: 0 })]);
    assert.equal(looked!.remaining, 4);
  });

  law('decisions come back in the order of the hits', async ({ store, hit }) => {
    const decisions = await store.consume([hit(wide), hit(narrow), hit(wide, { key: randomUUID() })]);
    assert.deepEqual(
      decisions.map(({ limit, remaining }) => [limit, remaining]),
      [
        [5, 4],
        [1, 0],
        [5, 4],
      ],
    );
  });

  law('the same policy and key twice in a request is one hit with the costs added', async ({ store, hit }) => {
    const [first, second] = await store.consume([hit(wide, { cost: 2 }), hit(wide, { cost: 2 })]);
    assert.equal(first!.remaining, 1);
    assert.deepEqual(second, first);
    const [denied] = await store.consume([hit(wide), hit(wide)]);
    assert.equal(denied!.allowed, false);
    assert.equal((await store.consume([hit(wide)]))[0]!.allowed, true);
  });

  law('no hits, no decisions', async ({ store }) => {
    assert.deepEqual(await store.consume([]), []);
  });

  law('requests that arrive together are judged one by one, in order', async ({ store, hit }) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => store.consume([hit(wide), hit(narrow)])));
    assert.deepEqual(
      answers.map(([, decision]) => decision!.allowed),
      answers.map((_, i) => i === 0),
    );
  });

  law('keys are partitions: whatever their text, none reaches another', async ({ store, hit }) => {
    const keys = ['a', 'a:b', '}x', '{}', '{a}b', 'a\u0000', 'a\n', '', ' ', '%', '%25;', '#', '😀', '__proto__'];
    keys.push('\ud800', '\ud801', '\udc00', 'k'.repeat(10_000), 'k'.repeat(10_001), 'constructor', 'é', 'e\u0301');
    const salt = randomUUID();
    for (const key of keys) {
      const [decision] = await store.consume([
        hit(narrow, { key: `${key}|${salt}` }),
        hit(narrow, { key: `${salt}|${key}` }),
      ]);
      assert.deepEqual([decision!.allowed, decision!.remaining], [true, 0], JSON.stringify(key));
    }
  });

  law('a malformed hit is refused before anything is charged', async ({ store, hit, look }) => {
    const malformed: unknown[] = [NaN, Infinity, 1.5, '1', 2 ** 53, undefined, null].map((cost) => ({
      ...hit(wide),
      cost,
    }));
    malformed.push(
      { ...hit(wide), key: 7 },
      { ...hit(wide), key: undefined },
      { ...hit(wide), policy: {} },
      { ...hit(wide), policy: { ...wide, limit: NaN } },
    );
    for (const bad of malformed) {
      const refused = store.consume([hit(wide), bad as Hit]);
      await assert.rejects(
        refused,
        (error) => error instanceof RateLimitError && error.code !== 'RL_STORE_UNAVAILABLE',
      );
    }
    assert.equal((await look(wide)).remaining, 5);
  });

  return laws;
}

/** A store, its clock, and a key that nobody else uses. */
class Bench {
  readonly key = randomUUID();

  constructor(
    readonly store: RateLimitStore,
    readonly clock: { now: number },
  ) {}

  readonly hit = (policy: Policy, { cost = 1, key = this.key } = {}): Hit => ({ policy, key, cost });

  readonly spend = async (policy: Policy, { cost = 1 } = {}) => {
    const [decision] = await this.store.consume([this.hit(policy, { cost })]);
    return decision!;
  };

  readonly look = (policy: Policy) => this.spend(policy, { cost: 0 });
}
