/**
 * What every store promises, as checks for any test runner.
 *
 * @module nestjs-redis-rate-limit/conformance
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isPromise } from '../core/after.js';
import { algorithmNames, algorithmOf, type AlgorithmName } from '../core/algorithms/index.js';
import type { BlockFor } from '../core/blocks/block-rule.js';
import type { Clock } from '../core/clock.js';
import { RateLimitError } from '../core/errors.js';
import type { Hit } from '../core/hit.js';
import { definePolicy, type Policy, type PolicyDefinition } from '../core/policy.js';
import type { BlockingStore } from '../core/blocks/blocking-store.js';
import type { RateLimitStore } from '../core/store.js';
import { lawsOf, type Bench } from './bench.js';
import { calendarLaws } from './calendar-laws.js';
import type { StoreLaw } from './store-law.js';

export { blockListConformance } from './block-list-laws.js';
export { holdConformance } from './hold-laws.js';
export { limitBookConformance } from './limit-book-conformance.js';
export type { StoreLaw };

/**
 * What every store promises (see {@link RateLimitStore}), for any test runner:
 *
 * ```ts
 * for (const { sentence, check } of storeConformance((now) => new MyStore({ now }))) it(sentence, check);
 * ```
 *
 * Each check uses its own keys, so the store may hold other data. The store must judge by the clock that `open` gets, at
 * least in tests.
 *
 * @param open returns a store that judges by the given clock; called once per check
 */
export function storeConformance(open: (now: Clock) => RateLimitStore | Promise<RateLimitStore>): StoreLaw[] {
  const { laws, law } = lawsOf(open);

  for (const algorithm of algorithmNames) {
    const three = (more: Partial<PolicyDefinition> = {}) => {
      const burst = takesBurst(algorithm) ? { burst: 3 } : {};
      return definePolicy({ name: 'three', algorithm, limit: 3, window: '3s', ...burst, ...more });
    };

    law(`${algorithm}: admits the quota and denies the next`, async ({ spend }) => {
      assert.deepEqual((await spend(three())).remaining, 2);
      assert.deepEqual((await spend(three(), { cost: 2 })).remaining, 0);
      const denied = await spend(three());
      assert.equal(denied.allowed, false);
      assert.equal(denied.limit, 3);
      assert.equal(denied.by, 'store');
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
        by: 'store',
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

    law(`${algorithm}: a cost above what the policy ever holds is distinct from a wait`, async ({ spend, look }) => {
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
      const burst = takesBurst(algorithm) ? { burst: 5 } : {};
      await spend(three(), { cost: 3 });
      assert.equal((await look(three({ limit: 5, ...burst }))).remaining, 2);
    });

    law(`${algorithm}: another window is another quota`, async ({ spend, look }) => {
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

    law(
      `${algorithm}: a clock that jumps ahead and comes back does not close the quota for the length of the jump`,
      async (bench) => {
        bench.clock.now += 86_400_000;
        await bench.spend(three(), { cost: 3 });
        bench.clock.now -= 86_400_000;
        const denied = await bench.spend(three());
        assert.equal(denied.allowed, false);
        assert.ok(denied.retryAfter <= 6_000, `retryAfter is ${denied.retryAfter}`);
        bench.clock.now += denied.retryAfter;
        assert.equal((await bench.spend(three())).allowed, true);
      },
    );
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

  law('one name with two windows is two quotas, also in one request', async ({ store, hit }) => {
    const hourly = definePolicy({ name: 'both', limit: 5, window: '1h' });
    const daily = definePolicy({ name: 'both', limit: 3, window: '1d' });
    // The first of them twice, which is one hit of 2.
    const spend = async (ofDaily: number) =>
      (await store.consume([hit(hourly), hit(daily, { cost: ofDaily }), hit(hourly)])).map(
        ({ allowed, limit, remaining }) => [allowed, limit, remaining],
      );
    assert.deepEqual(await spend(2), [
      [true, 5, 3],
      [true, 3, 1],
      [true, 5, 3],
    ]);
    assert.deepEqual(await spend(2), [
      [true, 5, 3],
      [false, 3, 1],
      [true, 5, 3],
    ]);
    const [, last] = await store.consume([hit(hourly), hit(daily, { cost: 1 })]);
    assert.deepEqual([last!.limit, last!.remaining], [3, 0]);
  });

  law('a request may have hundreds of hits', async ({ store, hit }) => {
    const policies = Array.from({ length: 450 }, (_, i) => definePolicy({ name: `p${i}`, limit: 9 + i, window: '1d' }));
    // Replies of many sizes: a store may send long ones in parts.
    for (const [round, hits] of [450, 400, 399, 200, 199].entries()) {
      const decisions = await store.consume(policies.slice(0, hits).map((policy) => hit(policy)));
      assert.deepEqual(
        decisions.map(({ allowed, remaining }) => [allowed, remaining]),
        policies.slice(0, hits).map(({ limit }) => [true, limit - 1 - round]),
      );
    }
    const denied = await store.consume(policies.map((policy, i) => hit(policy, { cost: i === 449 ? 9 + i : 1 })));
    assert.deepEqual(
      denied.map(({ allowed }) => allowed),
      denied.map((_, i) => i !== 449),
    );
    assert.equal((await store.consume([hit(policies[0]!, { cost: 0 })]))[0]!.remaining, 4);
  });

  law('consume() answers with a list or a promise of one, and reset() with a promise', async ({ store, hit, key }) => {
    const answer = store.consume([hit(wide)]);
    assert.ok(isPromise(answer) || Array.isArray(answer), 'an answer without a promise must be an array');
    assert.ok(Array.isArray(await answer), 'an answer must be an array');
    const done = store.reset(wide, key);
    assert.ok(isPromise(done), 'reset() must return a promise');
    await done;
  });

  law('no hits, no decisions', async ({ store }) => {
    assert.deepEqual(await store.consume([]), []);
  });

  law('requests that arrive together are judged one by one, in order', async ({ store, hit }) => {
    const answers = await Promise.all(Array.from({ length: 20 }, async () => store.consume([hit(wide), hit(narrow)])));
    assert.deepEqual(
      answers.map(([, decision]) => decision!.allowed),
      answers.map((_, i) => i === 0),
    );
  });

  law('each key has its own quota, whatever its text', async ({ store, hit }) => {
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
      // Async: a store may throw at once.
      await assert.rejects(
        async () => store.consume([hit(wide), bad as Hit]),
        (error) => error instanceof RateLimitError && error.code !== 'RL_STORE_UNAVAILABLE',
      );
    }
    assert.equal((await look(wide)).remaining, 5);
  });

  return [...laws, ...calendarLaws(open)];
}

/**
 * What every store that can block promises in addition to {@link storeConformance} (see {@link BlockingStore}).
 *
 * @param open returns a store that judges by the given clock; called once per check
 */
export function blockConformance(open: (now: Clock) => BlockingStore | Promise<BlockingStore>): StoreLaw[] {
  const { laws, law } = lawsOf(open);
  const SECOND = 1_000;
  const MINUTE = 60_000;

  for (const algorithm of algorithmNames) {
    const three = (blockFor: BlockFor, more: Partial<PolicyDefinition> = {}) => {
      const burst = takesBurst(algorithm) ? { burst: 3 } : {};
      return definePolicy({ name: 'three', algorithm, limit: 3, window: '3s', ...burst, blockFor, ...more });
    };

    law(
      `${algorithm}: a caller over the limit is denied until the block ends, and not a millisecond longer`,
      async (bench) => {
        const policy = three('1m');
        assert.equal((await bench.spend(policy, { cost: 3 })).blockedFor, undefined);
        const denied = { allowed: false, limit: 3, remaining: 0, by: 'store' };
        const blocked = { ...denied, resetAfter: MINUTE, retryAfter: MINUTE, blockedFor: MINUTE };
        assert.deepEqual(await bench.spend(policy), blocked);
        bench.clock.now += MINUTE - 1;
        assert.deepEqual(await bench.spend(policy), { ...denied, resetAfter: 1, retryAfter: 1, blockedFor: 1 });
        bench.clock.now += 1;
        const after = await bench.spend(policy, { cost: 3 });
        assert.deepEqual([after.allowed, after.blockedFor], [true, undefined]);
      },
    );

    law(
      `${algorithm}: a block stands only in the mode in which it began, and a reset ends those of both`,
      async (bench) => {
        const [enforcing, shadowing] = [three('1h'), three('1h', { mode: 'shadow' })];
        const blockedFor = async (policy: Policy) => (await bench.look(policy)).blockedFor;
        await bench.spend(shadowing, { cost: 3 });
        assert.equal((await bench.spend(shadowing)).blockedFor, 60 * MINUTE);
        assert.equal(await blockedFor(enforcing), undefined);
        assert.equal((await bench.spend(enforcing)).blockedFor, 60 * MINUTE);
        await bench.store.reset(enforcing, bench.key);
        assert.deepEqual([await blockedFor(enforcing), await blockedFor(shadowing)], [undefined, undefined]);
      },
    );

    law(`${algorithm}: after a block that ends before the quota is back, callers wait for the quota`, async (bench) => {
      await bench.spend(three(5), { cost: 3 });
      const { retryAfter, blockedFor } = await bench.spend(three(5), { cost: 2 });
      assert.equal(blockedFor, 5);
      assert.ok(retryAfter > 5);
      bench.clock.now += retryAfter;
      assert.equal((await bench.spend(three(5), { cost: 2 })).allowed, true);
    });

    law(
      `${algorithm}: under a block looking and giving back pass, and the quota goes on as without it`,
      async (bench) => {
        const { spend, look } = bench;
        const policy = three('1h');
        await spend(policy, { cost: 2 });
        assert.equal((await spend(policy, { cost: 3 })).blockedFor, 60 * MINUTE);
        const looked = await look(policy);
        assert.deepEqual([looked.allowed, looked.remaining, looked.retryAfter], [true, 0, 0]);
        assert.deepEqual([looked.blockedFor, looked.resetAfter], [60 * MINUTE, 60 * MINUTE]);
        const given = await spend(policy, { cost: -1 });
        assert.deepEqual([given.allowed, given.remaining, given.blockedFor], [true, 0, 60 * MINUTE]);
        await bench.store.unblock(policy, bench.key);
        const { remaining, blockedFor } = await look(policy);
        assert.deepEqual([remaining, blockedFor], [2, undefined]);
      },
    );

    law(`${algorithm}: a hit that can never pass begins no block, nor does a limit of 0`, async ({ spend, look }) => {
      assert.equal((await spend(three('1m'), { cost: 4 })).retryAfter, -1);
      assert.equal((await spend(three('1m', { limit: 0 }))).retryAfter, -1);
      const { remaining, blockedFor } = await look(three('1m'));
      assert.deepEqual([remaining, blockedFor], [3, undefined]);
    });
  }

  const one = (blockFor: BlockFor, name = 'one') => definePolicy({ name, limit: 1, window: SECOND, blockFor });
  const over = async ({ spend }: Bench, policy: Policy) => {
    await spend(policy);
    return (await spend(policy)).blockedFor;
  };

  law('a denial by a block does not extend it', async (bench) => {
    await over(bench, one(500));
    bench.clock.now += 400;
    assert.equal((await bench.spend(one(500))).blockedFor, 100);
  });

  law('with extend a denial by a block starts its span again, unless the hit can never pass', async (bench) => {
    const policy = one({ spans: 5 * SECOND, extend: true });
    await over(bench, policy);
    bench.clock.now += 4 * SECOND;
    assert.equal((await bench.spend(policy)).blockedFor, 5 * SECOND);
    bench.clock.now += 4 * SECOND;
    assert.equal((await bench.spend(policy, { cost: 2 })).blockedFor, SECOND);
    assert.equal((await bench.look(policy)).blockedFor, SECOND);
    bench.clock.now += SECOND;
    assert.equal((await bench.spend(policy)).allowed, true);
  });

  law('each further block takes the next span, and the last span repeats', async (bench) => {
    const policy = one(['2s', '10s', '1m']);
    for (const span of [2 * SECOND, 10 * SECOND, MINUTE, MINUTE]) {
      assert.equal(await over(bench, policy), span);
      bench.clock.now += span;
    }
  });

  law('a block that begins forgetAfter or more after the end of the last one takes the first span', async (bench) => {
    const policy = one({ spans: ['2s', '10s'], forgetAfter: '20s' });
    assert.equal(await over(bench, policy), 2 * SECOND);
    bench.clock.now += 22 * SECOND - 1;
    assert.equal(await over(bench, policy), 10 * SECOND);
    bench.clock.now += 30 * SECOND;
    assert.equal(await over(bench, policy), 2 * SECOND);
  });

  law('only the policy whose quota denies begins a block, and nothing is charged', async (bench) => {
    const { store, hit, look } = bench;
    const wide = definePolicy({ name: 'wide', limit: 5, window: '1d', blockFor: '1d' });
    await store.consume([hit(one(5 * SECOND)), hit(wide)]);
    for (let i = 0; i < 2; i++) {
      const [denied, beside] = await store.consume([hit(one(5 * SECOND)), hit(wide)]);
      assert.deepEqual([denied!.allowed, denied!.blockedFor], [false, 5 * SECOND - 2 * SECOND * i]);
      assert.deepEqual([beside!.allowed, beside!.remaining, beside!.blockedFor], [true, 4, undefined]);
      bench.clock.now += 2 * SECOND;
    }
    assert.equal((await look(wide)).remaining, 4);
  });

  law('block() replaces a block and does not count as a step', async (bench) => {
    const { store, spend, look, key, clock } = bench;
    const policy = one(['2s', '10s']);
    await store.block(policy, key, 7);
    const denied = await spend(policy);
    assert.deepEqual([denied.allowed, denied.remaining, denied.retryAfter, denied.blockedFor], [false, 0, 7, 7]);
    await store.block(policy, key, 3);
    assert.equal((await look(policy)).blockedFor, 3);
    clock.now += 3;
    assert.equal(await over(bench, policy), 2 * SECOND);
    clock.now += 1;
    await store.block(policy, key, SECOND);
    clock.now += SECOND;
    assert.equal(await over(bench, policy), 10 * SECOND);
  });

  law('block() with span 0 ends a block, and blockFor 0 begins none', async (bench) => {
    const { store, spend, look, key } = bench;
    assert.equal(await over(bench, one(0)), undefined);
    await store.block(one(0), key, 5 * SECOND);
    assert.equal((await spend(one(0))).blockedFor, 5 * SECOND);
    await store.block(one(0), key, 0);
    assert.equal((await look(one(0))).blockedFor, undefined);
  });

  law('unblock() keeps the quota and starts the spans again; reset() does so and fills the quota', async (bench) => {
    const { store, spend, look, key } = bench;
    const policy = one(['2s', '10s']);
    assert.equal(await over(bench, policy), 2 * SECOND);
    await store.unblock(policy, key);
    assert.equal((await look(policy)).remaining, 0);
    assert.equal((await spend(policy)).blockedFor, 2 * SECOND);
    await store.reset(policy, key);
    const { remaining, resetAfter, blockedFor } = await look(policy);
    assert.deepEqual([remaining, resetAfter, blockedFor], [1, 0, undefined]);
    assert.equal(await over(bench, policy), 2 * SECOND);
  });

  law('block() and unblock() are refused under a policy without blockFor', async ({ store, key }) => {
    const plain = definePolicy({ name: 'plain', limit: 1, window: '1s' });
    const off = (error: unknown) => error instanceof RateLimitError && error.code === 'RL_BLOCK_OFF';
    await assert.rejects(store.block(plain, key, 5), off);
    await assert.rejects(store.unblock(plain, key), off);
    for (const span of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      const invalid = (error: unknown) => error instanceof RateLimitError && error.code === 'RL_BLOCK_INVALID';
      await assert.rejects(store.block(one('1s'), key, span), invalid);
    }
  });

  law('a clock that goes back ends no block', async (bench) => {
    await over(bench, one('10s'));
    for (const step of [1, 500, 9_000]) {
      bench.clock.now -= step;
      assert.ok((await bench.spend(one('10s'))).blockedFor! >= 10_000);
    }
  });

  law(
    'a clock that jumps ahead and comes back does not block for the length of the jump',
    async ({ store, spend, key, clock }) => {
      clock.now += 86_400_000;
      await store.block(one('10s'), key, 10_000);
      clock.now -= 86_400_000;
      assert.equal((await spend(one('10s'))).blockedFor, 10_000);
      clock.now += 10_000;
      assert.equal((await spend(one('10s'))).allowed, true);
    },
  );

  return laws;
}

const takesBurst = (name: AlgorithmName): boolean => algorithmOf(name).defaultBurst !== undefined;
