import assert from 'node:assert/strict';
import type { BlockedCaller, BlockListingStore } from '../core/blocks/blocked-caller.js';
import type { BlockingStore } from '../core/blocks/blocking-store.js';
import type { Clock } from '../core/clock.js';
import { RateLimitError } from '../core/errors.js';
import { definePolicy, type Policy } from '../core/policy.js';
import { lawsOf } from './bench.js';
import type { StoreLaw } from './store-law.js';

/** Keys that a store could misread: patterns, its own separators and escapes, and endings of other stored keys. */
const HOSTILE = [
  ...['', ' ', '*', 'user:?', '[a-z]', '\\', '\\*', '{}', '}:login:fw60000:block', '{user', '%', '%7b;', '#', ':block'],
  ...['user:1\nuser:2', '\u001b[2J', '\0', 'ключ', '😀', '\ud800', 'a'.repeat(128), `#${'a'.repeat(43)}`],
];

/**
 * What every store that lists blocked callers promises in addition to `blockConformance` (see {@link BlockListingStore}).
 *
 * @param open returns a store that judges by the given clock; called once per check
 */
export function blockListConformance(
  open: (now: Clock) => (BlockingStore & BlockListingStore) | Promise<BlockingStore & BlockListingStore>,
): StoreLaw[] {
  const { laws, law } = lawsOf(open);
  let number = 0;
  const one = (more: { mode?: 'shadow'; name?: string } = {}) =>
    definePolicy({ name: `listed-${++number}-${Date.now()}`, limit: 1, window: '1m', blockFor: '1m', ...more });

  law(
    'a caller is listed from the denial that blocks it until the block ends',
    async ({ store, clock, key, spend }) => {
      const policy = one();
      await spend(policy);
      assert.deepEqual(await listed(store, policy), []);
      await spend(policy);
      assert.deepEqual(await listed(store, policy), [{ key, blockedFor: 60_000, by: 'store' }]);
      clock.now += 59_999;
      assert.deepEqual(await listed(store, policy), [{ key, blockedFor: 1, by: 'store' }]);
      clock.now += 1;
      assert.deepEqual(await listed(store, policy), []);
    },
  );

  law('blocks that are over are left out, also while their steps are remembered', async ({ store, clock, key }) => {
    const policy = definePolicy({
      name: `steps-${++number}-${Date.now()}`,
      limit: 1,
      window: '1s',
      blockFor: ['1s', '1h'],
    });
    for (let i = 0; i < 2; i++) await store.consume([{ policy, key, cost: 1 }]);
    assert.equal((await listed(store, policy)).length, 1);
    clock.now += 1_000;
    assert.deepEqual(await listed(store, policy), []);
  });

  law('any key comes back as it was given', async ({ store }) => {
    const policy = one();
    for (const key of HOSTILE) await store.block(policy, key, 1_000);
    const keys = (await listed(store, policy)).map((caller) => caller.key);
    assert.deepEqual(keys.sort(), [...HOSTILE].sort());
  });

  law('a key that is too long to be stored comes as its digest', async ({ store }) => {
    const policy = one();
    await store.block(policy, 'long'.repeat(50), 1_000);
    const [caller] = await listed(store, policy);
    assert.equal(caller!.key, undefined);
    assert.match(caller!.digest!, /^#[\w-]{43}$/);
  });

  law('only the policy that blocks is listed, whatever the names of others look like', async ({ store, key }) => {
    const policy = one({ name: `a*-${number}` });
    const others = [`a*-${number}:fw60000:block`, `ab-${number}`, `x:a*-${number}`, `}:a*-${number}`, `a*-${number}:`];
    for (const name of others) await store.block(one({ name }), key, 1_000);
    assert.deepEqual(await listed(store, policy), []);
    await store.block(policy, key, 1_000);
    assert.equal((await listed(store, policy)).length, 1);
  });

  law('a policy in shadow has blocks of its own', async ({ store, key }) => {
    const name = `shadow-${++number}-${Date.now()}`;
    const [enforced, shadowed] = [one({ name }), one({ name, mode: 'shadow' })];
    await store.block(shadowed, key, 1_000);
    assert.deepEqual(await listed(store, enforced), []);
    assert.equal((await listed(store, shadowed)).length, 1);
  });

  law('the list can be left at any caller', async ({ store }) => {
    const policy = one();
    for (let i = 0; i < 5; i++) await store.block(policy, `user:${i}`, 1_000);
    let seen = 0;
    for await (const caller of store.blocked(policy)) {
      assert.ok(caller.blockedFor > 0);
      if (++seen === 2) break;
    }
    assert.equal(seen, 2);
    assert.equal((await listed(store, policy)).length, 5);
  });

  law('a policy without blocks is an error', async ({ store }) => {
    const policy = definePolicy({ name: 'no-blocks', limit: 1, window: '1m' });
    await assert.rejects(
      listed(store, policy),
      (error) => error instanceof RateLimitError && error.code === 'RL_BLOCK_OFF',
    );
  });

  return laws;
}

/** A caller may come twice. */
async function listed(store: BlockListingStore, policy: Policy): Promise<BlockedCaller[]> {
  const callers = new Map<string, BlockedCaller>();
  for await (const caller of store.blocked(policy)) callers.set(caller.key ?? `${caller.digest} `, caller);
  return [...callers.values()];
}
