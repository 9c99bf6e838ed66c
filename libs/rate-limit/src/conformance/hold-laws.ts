import assert from 'node:assert/strict';
import { algorithmNames, algorithmOf, type AlgorithmName } from '../core/algorithms/index.js';
import type { Clock } from '../core/clock.js';
import { RateLimitError } from '../core/errors.js';
import type { Hit } from '../core/hit.js';
import type { HoldRequest } from '../core/holds/hold-request.js';
import type { HoldingStore } from '../core/holds/holding-store.js';
import { definePolicy, type Policy, type PolicyDefinition } from '../core/policy.js';
import { lawsOf, type Bench } from './bench.js';
import type { StoreLaw } from './store-law.js';

const SECOND = 1_000;
const WINDOW = 10 * SECOND;

const takesBurst = (name: AlgorithmName): boolean => algorithmOf(name).defaultBurst !== undefined;

interface Take extends Partial<HoldRequest> {
  readonly cost?: number;
}

const heldHit = ({ key }: Bench, policy: Policy, { cost = 1, ...hold }: Take = {}): Hit => ({
  policy,
  key,
  cost,
  hold: { id: 'a', ttl: 100 * SECOND, ...hold },
});

async function take(bench: Bench, policy: Policy, how?: Take) {
  const [decision] = await bench.store.consume([heldHit(bench, policy, how)]);
  return decision!;
}

const settle = ({ store, key }: Bench<HoldingStore>, policy: Policy, cost: number, id = 'a') =>
  store.settle({ policy, key, id }, cost);

const renew = ({ store, key }: Bench<HoldingStore>, policy: Policy, ttl: number, id = 'a') =>
  store.renew({ policy, key, id }, ttl);

const openIds = async ({ store, key }: Bench<HoldingStore>, policy: Policy) =>
  (await store.holds(policy, key)).map(({ id }) => id).sort();

/**
 * What every store that can hold promises in addition to `storeConformance()` (see {@link HoldingStore}).
 *
 * @param open returns a store that judges by the given clock; called once per check
 */
export function holdConformance(open: (now: Clock) => HoldingStore | Promise<HoldingStore>): StoreLaw[] {
  const { laws, law } = lawsOf(open);

  for (const algorithm of algorithmNames) {
    const ten = (more: Partial<PolicyDefinition> = {}) => {
      const burst = takesBurst(algorithm) ? { burst: 10 } : {};
      return definePolicy({ name: 'ten', algorithm, limit: 10, window: WINDOW, ...burst, ...more });
    };
    /** Long enough that a quota refills nothing while a law is checked. */
    const slow = (more: Partial<PolicyDefinition> = {}) => ten({ window: '10d', ...more });

    law(`${algorithm}: a hit that is held is charged like every hit, and is listed`, async (bench) => {
      const { allowed, remaining } = await take(bench, ten(), { cost: 4 });
      assert.deepEqual([allowed, remaining], [true, 6]);
      assert.equal((await bench.look(ten())).remaining, 6);
      bench.clock.now += 1;
      const open = await bench.store.holds(ten(), bench.key);
      assert.deepEqual(open, [{ id: 'a', cost: 4, expiresIn: 100 * SECOND - 1 }]);
    });

    law(`${algorithm}: units below the estimate are given back, once`, async (bench) => {
      await take(bench, slow(), { cost: 8 });
      assert.equal(await settle(bench, slow(), 5), true);
      assert.equal((await bench.look(slow())).remaining, 5);
      assert.equal(await settle(bench, slow(), 0), false);
      assert.equal((await bench.look(slow())).remaining, 5);
      assert.deepEqual(await openIds(bench, slow()), []);
    });

    law(`${algorithm}: a hold that is settled with nothing leaves the quota as it was`, async (bench) => {
      await bench.spend(slow(), { cost: 3 });
      await take(bench, slow(), { cost: 7 });
      assert.equal(await settle(bench, slow(), 0), true);
      assert.equal((await bench.look(slow())).remaining, 7);
    });

    law(`${algorithm}: units above the estimate are recorded, whatever is left, and callers wait`, async (bench) => {
      await take(bench, slow(), { cost: 8 });
      assert.equal(await settle(bench, slow(), 13), true);
      const looked = await bench.look(slow());
      assert.deepEqual([looked.allowed, looked.remaining], [true, 0]);
      assert.equal((await bench.spend(slow())).allowed, false);
      await bench.spend(slow(), { cost: -3 });
      assert.equal((await bench.look(slow())).remaining, 0);
      await bench.spend(slow(), { cost: -1 });
      assert.equal((await bench.look(slow())).remaining, 1);
    });

    law(`${algorithm}: no more is recorded than the debt allows`, async (bench) => {
      const policy = slow({ debt: 3 });
      await take(bench, policy, { cost: 8 });
      assert.equal(await settle(bench, policy, 1_000_000), true);
      await bench.spend(policy, { cost: -4 });
      assert.equal((await bench.look(policy)).remaining, 1);
    });

    if (takesBurst(algorithm)) {
      law(`${algorithm}: gets a settlement now, and is never above full`, async (bench) => {
        await take(bench, ten(), { cost: 8 });
        await take(bench, ten(), { cost: 2, id: 'b' });
        bench.clock.now += 2 * WINDOW;
        await bench.spend(ten(), { cost: 3 });
        assert.equal(await settle(bench, ten(), 1), true);
        assert.equal((await bench.look(ten())).remaining, 10);
        assert.equal(await settle(bench, ten(), 6, 'b'), true);
        assert.equal((await bench.look(ten())).remaining, 6);
      });

      law(`${algorithm}: carries its debt until it is paid`, async (bench) => {
        await take(bench, ten(), { cost: 10 });
        await settle(bench, ten(), 15);
        bench.clock.now += 6 * SECOND - 1;
        assert.equal((await bench.spend(ten())).retryAfter, 1);
        bench.clock.now += 1;
        assert.equal((await bench.spend(ten())).allowed, true);
      });

      law(`${algorithm}: a hit with patience takes its turn ahead of time, in order`, async (bench) => {
        const policy = ten({ burst: 1 });
        const wait = async (patience: number) => (await bench.store.consume([{ ...bench.hit(policy), patience }]))[0]!;
        await bench.spend(policy);
        for (const startsIn of [SECOND, 2 * SECOND]) {
          const turn = await wait(2 * SECOND);
          assert.deepEqual([turn.allowed, turn.startsIn], [true, startsIn]);
        }
        const denied = await wait(2 * SECOND);
        assert.deepEqual([denied.allowed, denied.startsIn, denied.retryAfter], [false, undefined, 3 * SECOND]);
      });
    } else {
      law(`${algorithm}: a window that has ended gets nothing back, and a later one neither`, async (bench) => {
        for (const [id, cost] of Object.entries({ less: 8, more: 2 })) await take(bench, ten(), { id, cost });
        bench.clock.now += 2 * WINDOW;
        await bench.spend(ten(), { cost: 3 });
        for (const id of ['less', 'more']) assert.equal(await settle(bench, ten(), 5, id), true);
        assert.equal((await bench.look(ten())).remaining, 7);
      });

      law(`${algorithm}: a debt ends with its window`, async (bench) => {
        await take(bench, ten(), { cost: 10 });
        await settle(bench, ten(), 15);
        bench.clock.now += 2 * WINDOW;
        assert.equal((await bench.look(ten())).remaining, 10);
      });
    }

    law(`${algorithm}: a hold that is not settled in time keeps its charge`, async (bench) => {
      await take(bench, slow(), { cost: 4, ttl: SECOND });
      bench.clock.now += SECOND;
      assert.deepEqual(await openIds(bench, slow()), []);
      assert.equal(await settle(bench, slow(), 0), false);
      assert.equal(await renew(bench, slow(), SECOND), false);
      assert.equal((await bench.look(slow())).remaining, 6);
    });

    law(`${algorithm}: with givesBack it gives its charge back when that is needed`, async (bench) => {
      await take(bench, slow(), { cost: 10, ttl: SECOND, givesBack: true });
      bench.clock.now += SECOND - 1;
      assert.equal((await take(bench, slow(), { cost: 7, id: 'b' })).allowed, false);
      bench.clock.now += 1;
      const { allowed, remaining } = await take(bench, slow(), { cost: 7, id: 'b' });
      assert.deepEqual([allowed, remaining], [true, 3]);
      assert.equal(await settle(bench, slow(), 9), false);
      assert.equal((await bench.look(slow())).remaining, 3);
    });

    law(`${algorithm}: a hold that is renewed lasts from then on`, async (bench) => {
      await take(bench, slow(), { ttl: SECOND });
      bench.clock.now += SECOND - 1;
      assert.equal(await renew(bench, slow(), SECOND), true);
      bench.clock.now += SECOND - 1;
      assert.equal((await bench.store.holds(slow(), bench.key))[0]!.expiresIn, 1);
      assert.equal(await settle(bench, slow(), 0), true);
      assert.equal((await bench.look(slow())).remaining, 10);
    });

    law(`${algorithm}: reset also ends the holds`, async (bench) => {
      await take(bench, slow(), { cost: 4 });
      await bench.store.reset(slow(), bench.key);
      assert.deepEqual(await openIds(bench, slow()), []);
      assert.equal(await settle(bench, slow(), 9), false);
      assert.equal((await bench.look(slow())).remaining, 10);
    });

    law(`${algorithm}: a denial that only held units caused is a guess, of a second at most`, async (bench) => {
      await take(bench, slow(), { cost: 10 });
      const guess = await take(bench, slow(), { id: 'b' });
      assert.deepEqual([guess.allowed, guess.isGuess, guess.retryAfter], [false, true, SECOND]);
      await settle(bench, slow(), 10);
      const denied = await take(bench, slow(), { id: 'b' });
      assert.deepEqual([denied.allowed, denied.isGuess], [false, undefined]);
      assert.ok(denied.retryAfter > SECOND);
    });

    law(`${algorithm}: callers who are right are never blocked, however many come at once`, async (bench) => {
      const login = slow({ name: 'login', limit: 5, ...(takesBurst(algorithm) ? { burst: 5 } : {}), blockFor: '1h' });
      const ids = Array.from({ length: 50 }, (_, i) => `right-${i}`);
      const taken = await Promise.all(ids.map((id) => take(bench, login, { id })));
      assert.equal(taken.filter(({ allowed }) => allowed).length, 5);
      for (const { allowed, isGuess, blockedFor } of taken) {
        assert.deepEqual([isGuess, blockedFor], [allowed ? undefined : true, undefined]);
      }
      const settled = await Promise.all(ids.map((id) => settle(bench, login, 0, id)));
      assert.deepEqual(
        settled,
        taken.map(({ allowed }) => allowed),
      );
      const { remaining, blockedFor } = await bench.look(login);
      assert.deepEqual([remaining, blockedFor], [5, undefined]);
    });

    law(`${algorithm}: a block begins when a charge becomes final and nothing is left`, async (bench) => {
      const login = slow({ name: 'login', limit: 5, ...(takesBurst(algorithm) ? { burst: 5 } : {}), blockFor: '1h' });
      for (let wrong = 1; wrong <= 5; wrong++) {
        assert.equal((await take(bench, login)).blockedFor, undefined);
        if (wrong === 5) assert.equal((await bench.look(login)).blockedFor, undefined);
        await settle(bench, login, 1);
      }
      const sixth = await take(bench, login);
      assert.deepEqual([sixth.allowed, sixth.blockedFor, sixth.isGuess], [false, 3_600 * SECOND, undefined]);
    });

    law(`${algorithm}: under mode record every hit is counted and none is denied`, async (bench) => {
      const record = slow({ mode: 'record', debt: 3 });
      for (const cost of [8, 4, 1_000]) assert.equal((await bench.spend(record, { cost })).allowed, true);
      assert.equal((await bench.spend(slow())).allowed, false);
      await bench.spend(slow(), { cost: -4 });
      assert.equal((await bench.look(slow())).remaining, 1);
    });
  }

  const tokens = definePolicy({ name: 'tokens', limit: 1_000, window: '1h' });
  const two = definePolicy({ name: 'two', algorithm: 'concurrency', limit: 2, lease: '30s' });
  const slot = (bench: Bench, id: string, ttl = 30 * SECOND) => take(bench, two, { id, ttl });

  law('a request that is denied holds nothing, and takes no slot', async (bench) => {
    const narrow = definePolicy({ name: 'narrow', limit: 1, window: '1h' });
    const request = (id: string) => [
      heldHit(bench, tokens, { cost: 400, id }),
      heldHit(bench, two, { id, ttl: SECOND }),
      bench.hit(narrow),
    ];
    await bench.store.consume(request('a'));
    const denied = await bench.store.consume(request('b'));
    assert.deepEqual(
      denied.map(({ allowed, remaining }) => [allowed, remaining]),
      [
        [true, 600],
        [true, 1],
        [false, 0],
      ],
    );
    for (const policy of [tokens, two]) assert.deepEqual(await openIds(bench, policy), ['a']);
    assert.equal((await bench.look(tokens)).remaining, 600);
  });

  law('a request without a free slot is charged nothing', async (bench) => {
    for (const id of ['a', 'b']) await slot(bench, id);
    const [denied, beside] = await bench.store.consume([
      heldHit(bench, two, { id: 'c', ttl: SECOND }),
      heldHit(bench, tokens, { id: 'c', cost: 400 }),
    ]);
    assert.deepEqual([denied!.allowed, beside!.allowed, beside!.remaining], [false, true, 1_000]);
    assert.deepEqual(await openIds(bench, tokens), []);
  });

  law('concurrency: admits the limit at once, and frees a slot by any settlement, once', async (bench) => {
    const taken = await Promise.all(['a', 'b', 'c'].map((id) => slot(bench, id)));
    assert.deepEqual(
      taken.map(({ allowed, remaining, resetAfter }) => [allowed, remaining, resetAfter]),
      [
        [true, 1, 0],
        [true, 0, 0],
        [false, 0, 0],
      ],
    );
    assert.equal(await settle(bench, two, 7, 'a'), true);
    assert.equal(await settle(bench, two, 0, 'a'), false);
    assert.equal((await bench.look(two)).remaining, 1);
    assert.equal((await slot(bench, 'c')).allowed, true);
    assert.deepEqual(await openIds(bench, two), ['b', 'c']);
  });

  law('concurrency: a lease that ends frees its slot, and one that is renewed does not', async (bench) => {
    for (const id of ['a', 'b']) await slot(bench, id, 10 * SECOND);
    bench.clock.now += 10 * SECOND - 1;
    assert.equal(await renew(bench, two, 10 * SECOND, 'b'), true);
    assert.equal((await slot(bench, 'c')).allowed, false);
    bench.clock.now += 1;
    assert.equal(await renew(bench, two, 10 * SECOND, 'a'), false);
    assert.equal(await settle(bench, two, 0, 'a'), false);
    assert.equal((await slot(bench, 'c')).allowed, true);
    assert.deepEqual(await openIds(bench, two), ['b', 'c']);
  });

  law('concurrency: a denial is a guess, of a second at most, and a look takes nothing', async (bench) => {
    await slot(bench, 'a', 300);
    await slot(bench, 'b');
    assert.deepEqual(await slot(bench, 'c'), {
      allowed: false,
      limit: 2,
      remaining: 0,
      resetAfter: 0,
      retryAfter: 300,
      by: 'store',
      isGuess: true,
    });
    await settle(bench, two, 0, 'a');
    await slot(bench, 'a');
    assert.equal((await slot(bench, 'c')).retryAfter, SECOND);
    const looked = await take(bench, two, { cost: 0, id: 'c', ttl: SECOND });
    assert.deepEqual([looked.allowed, looked.remaining], [true, 0]);
    assert.deepEqual(await openIds(bench, two), ['a', 'b']);
  });

  law('concurrency: another limit keeps the slots that are taken, and 0 denies all', async (bench) => {
    for (const id of ['a', 'b']) await slot(bench, id);
    const other = (limit: number) => definePolicy({ name: 'two', algorithm: 'concurrency', limit, lease: '30s' });
    assert.equal((await bench.look(other(3))).remaining, 1);
    assert.equal((await take(bench, other(1), { id: 'c', ttl: SECOND })).allowed, false);
    const never = await take(bench, other(0), { id: 'c', ttl: SECOND });
    assert.deepEqual([never.allowed, never.retryAfter], [false, -1]);
  });

  law('a hold belongs to its policy and key', async (bench) => {
    await take(bench, tokens, { cost: 400 });
    const other = definePolicy({ name: 'other', limit: 1_000, window: '1h' });
    assert.equal(await settle(bench, other, 0), false);
    assert.equal(await bench.store.settle({ policy: tokens, key: `${bench.key}:other`, id: 'a' }, 0), false);
    assert.equal(await settle(bench, tokens, 0, 'unknown'), false);
    assert.equal(await renew(bench, tokens, SECOND, 'unknown'), false);
    assert.equal((await bench.look(tokens)).remaining, 600);
  });

  law('holds that are settled together are settled one by one, in order', async (bench) => {
    const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`);
    await Promise.all(ids.map((id) => take(bench, tokens, { id, cost: 50 })));
    const all = [...ids, ...ids];
    const settled = await Promise.all(all.map((id, i) => settle(bench, tokens, i < 20 ? 10 : 0, id)));
    assert.deepEqual(
      settled,
      all.map((_, i) => i < 20),
    );
    assert.equal((await bench.look(tokens)).remaining, 800);
  });

  law('a hold that is malformed is refused before anything is charged or settled', async (bench) => {
    const refused = (code: string) => (error: unknown) => error instanceof RateLimitError && error.code === code;
    await take(bench, tokens, { cost: 400 });
    for (const cost of [NaN, Infinity, 0.5, -1, 2 ** 53, '1', null, undefined]) {
      await assert.rejects(async () => settle(bench, tokens, cost as number), refused('RL_COST_INVALID'));
    }
    for (const ttl of [NaN, 0, 0.5, -1, 86_400_001, '1', null]) {
      const bad = { ttl: ttl as number };
      await assert.rejects(async () => take(bench, tokens, bad), refused('RL_HOLD_INVALID'));
      await assert.rejects(async () => renew(bench, tokens, bad.ttl), refused('RL_HOLD_INVALID'));
    }
    for (const id of ['', ' ', 'é', 'x'.repeat(65), 7, null]) {
      const bad = { id: id as string };
      await assert.rejects(async () => take(bench, tokens, bad), refused('RL_HOLD_INVALID'));
      const held = { policy: tokens, key: bench.key, ...bad };
      await assert.rejects(async () => bench.store.settle(held, 1), refused('RL_HOLD_INVALID'));
      await assert.rejects(async () => bench.store.renew(held, 1), refused('RL_HOLD_INVALID'));
    }
    const copy = { ...tokens };
    await assert.rejects(async () => settle(bench, copy, 1), refused('RL_POLICY_INVALID'));
    await assert.rejects(async () => take(bench, tokens, { cost: -1 }), refused('RL_COST_INVALID'));
    await assert.rejects(async () => take(bench, two, { cost: 2, ttl: SECOND }), refused('RL_COST_INVALID'));
    await assert.rejects(async () => slot(bench, 'a', 30 * SECOND + 1), refused('RL_HOLD_INVALID'));
    await assert.rejects(async () => bench.spend(two), refused('RL_HOLD_INVALID'));
    const impatient = { ...bench.hit(tokens), patience: 5 };
    await assert.rejects(async () => bench.store.consume([impatient]), refused('RL_PATIENCE_INVALID'));
    assert.equal((await bench.look(tokens)).remaining, 600);
    assert.deepEqual(await openIds(bench, tokens), ['a']);
  });

  return laws;
}
