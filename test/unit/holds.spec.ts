import { definePolicy, recording, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const BEGUN = 1_800_000_000_000;

/** A day at one store: each call happens at the time that `at()` set last. */
function story(policy: Policy) {
  let now = BEGUN;
  const store = new MemoryStore({ now: () => now });
  const key = 'tenant:7';
  const ask = (cost: number, hold?: string, more: { ttl?: number; givesBack?: boolean } = {}) => {
    const held = hold === undefined ? {} : { hold: { id: hold, ttl: 2 * MINUTE, ...more } };
    return store.consume([{ policy, key, cost, ...held }])[0]!;
  };
  return {
    store,
    at: (elapsed: number) => void (now = BEGUN + elapsed),
    /** Takes what a request is expected to cost, and tells whether it may go on. */
    reserve: (hold: string, cost: number, more?: { ttl?: number; givesBack?: boolean }) => {
      const { allowed, remaining } = ask(cost, hold, more);
      return [allowed, remaining];
    },
    settle: (hold: string, cost: number) => store.settle({ policy, key, id: hold }, cost),
    renew: (hold: string, ttl: number) => store.renew({ policy, key, id: hold }, ttl),
    ask,
    left: () => ask(0).remaining,
    open: async () => (await store.holds(policy, key)).map(({ id }) => id),
  };
}

const tokens = (more: Partial<Parameters<typeof definePolicy>[0]> = {}) =>
  definePolicy({ name: 'tokens', limit: 10_000, window: '1h', ...more });

describe('10,000 tokens an hour, of which an answer is expected to use 800', () => {
  it('one that used 500 gives 300 back, and one that used 1,240 pays 440 more', async () => {
    const { reserve, settle, left } = story(tokens());
    expect(reserve('short', 800)).toEqual([true, 9_200]);
    expect(reserve('long', 800)).toEqual([true, 8_400]);
    expect(await settle('short', 500)).toBe(true);
    expect(left()).toBe(8_700);
    expect(await settle('long', 1_240)).toBe(true);
    expect(left()).toBe(8_260);
    // The second news of the same end changes nothing.
    expect(await settle('long', 0)).toBe(false);
    expect(left()).toBe(8_260);
  });

  it('one that ends after its window leaves the next window alone', async () => {
    const { at, reserve, settle, left } = story(tokens());
    at(0);
    reserve('late', 800, { ttl: 2 * HOUR });
    at(HOUR);
    expect(reserve('next', 800)).toEqual([true, 9_200]);
    expect(await settle('late', 5_000)).toBe(true);
    expect(left()).toBe(9_200);
  });

  it('one that used 14,000 is a debt: the next waits, and the window takes the debt with it', async () => {
    const { at, reserve, settle, ask, left } = story(tokens());
    reserve('novel', 800);
    await settle('novel', 14_000);
    expect(ask(1)).toMatchObject({ allowed: false, remaining: 0, retryAfter: HOUR });
    at(HOUR);
    expect(left()).toBe(10_000);
  });

  it('a bucket carries the debt until it has refilled it', async () => {
    const { at, reserve, settle, ask } = story(tokens({ algorithm: 'token-bucket' }));
    reserve('novel', 800);
    await settle('novel', 15_000);
    expect(ask(1).allowed).toBe(false);
    at(30 * MINUTE);
    expect(ask(1)).toMatchObject({ allowed: false, retryAfter: 360 });
    at(30 * MINUTE + 360);
    expect(ask(1).allowed).toBe(true);
  });

  it('no more than the debt is remembered: one more limit, or what the policy says', async () => {
    for (const [debt, wait] of [
      [undefined, HOUR],
      [2_500, HOUR / 4],
      [0, 0],
    ] as const) {
      const { at, reserve, settle, left } = story(
        tokens({ algorithm: 'token-bucket', ...(debt !== undefined && { debt }) }),
      );
      reserve('book', 800);
      await settle('book', 1_000_000);
      at(wait);
      expect(left()).toBe(0);
      at(wait + 360);
      expect(left()).toBe(1);
    }
  });

  it('one whose process died keeps its charge, and with givesBack gives it to the next that needs it', async () => {
    const { at, reserve, settle, open } = story(tokens());
    reserve('dead', 6_000, { ttl: MINUTE });
    reserve('dead-too', 4_000, { ttl: MINUTE, givesBack: true });
    at(MINUTE);
    expect(await open()).toEqual([]);
    expect(reserve('next', 4_001)).toEqual([false, 4_000]);
    expect(reserve('next', 4_000)).toEqual([true, 0]);
    for (const hold of ['dead', 'dead-too']) expect(await settle(hold, 0)).toBe(false);
  });

  it('one that takes long is renewed, and not one that has ended', async () => {
    const { at, reserve, renew, settle, left } = story(tokens());
    reserve('slow', 800, { ttl: MINUTE });
    at(MINUTE - 1);
    expect(await renew('slow', MINUTE)).toBe(true);
    at(2 * MINUTE - 2);
    expect(await settle('slow', 100)).toBe(true);
    expect(left()).toBe(9_900);
    expect(await renew('slow', MINUTE)).toBe(false);
  });

  it('what was used without asking is recorded, and then those who ask wait', () => {
    const policy = tokens();
    const { ask, store } = story(policy);
    const report = (cost: number) => store.consume([{ policy: recording(policy), key: 'tenant:7', cost }])[0];
    expect(report(9_999)).toMatchObject({ allowed: true, remaining: 1 });
    expect(report(5_000)).toMatchObject({ allowed: true, remaining: 0, retryAfter: 0 });
    expect(ask(1).allowed).toBe(false);
  });
});

describe('a login that may fail 5 times in 15 minutes, and then is blocked for an hour', () => {
  const login = definePolicy({ name: 'login', limit: 5, window: '15m', blockFor: '1h' });

  it('right passwords cost nothing, though six of them at once are one too many', async () => {
    const { ask, settle, left } = story(login);
    const tries = Array.from({ length: 6 }, (_, i) => ask(1, `try-${i}`));
    expect(tries.map(({ allowed }) => allowed)).toEqual([true, true, true, true, true, false]);
    // Any of the five may end soon, so 15 minutes would be a lie.
    expect(tries[5]).toMatchObject({ isGuess: true, retryAfter: SECOND });
    for (let i = 0; i < 5; i++) expect(await settle(`try-${i}`, 0)).toBe(true);
    expect(left()).toBe(5);
    expect(ask(0).blockedFor).toBeUndefined();
  });

  it('the fifth wrong one begins the block, when it is known to be wrong', async () => {
    const { at, ask, settle } = story(login);
    for (let i = 0; i < 5; i++) {
      at(i * SECOND);
      expect(ask(1, `try-${i}`)).toMatchObject({ allowed: true });
      expect(ask(0).blockedFor).toBeUndefined();
      await settle(`try-${i}`, 1);
    }
    expect(ask(1, 'right-at-last')).toMatchObject({ allowed: false, blockedFor: HOUR });
    at(4 * SECOND + HOUR);
    expect(ask(1, 'right-at-last')).toMatchObject({ allowed: true, remaining: 4 });
  });
});

describe('two uploads at once, leased for 30 seconds', () => {
  const uploads = definePolicy({ name: 'uploads', algorithm: 'concurrency', limit: 2, lease: '30s' });
  const lease = { ttl: 30 * SECOND };

  it('a third waits for one to end; nobody knows when, so it asks again in a second', async () => {
    const { reserve, ask, settle, open } = story(uploads);
    expect([reserve('a', 1, lease), reserve('b', 1, lease)]).toEqual([
      [true, 1],
      [true, 0],
    ]);
    expect(ask(1, 'c', lease)).toMatchObject({ allowed: false, isGuess: true, retryAfter: SECOND, resetAfter: 0 });
    expect(await settle('a', 0)).toBe(true);
    expect(reserve('c', 1, lease)).toEqual([true, 0]);
    expect(await open()).toEqual(['b', 'c']);
  });

  it('that of a process which died is free when its lease ends, and not a millisecond sooner', async () => {
    const { at, reserve, renew, settle, ask } = story(uploads);
    for (const id of ['alive', 'dead']) reserve(id, 1, lease);
    at(20 * SECOND);
    expect(await renew('alive', 30 * SECOND)).toBe(true);
    at(30 * SECOND - 1);
    expect(ask(1, 'next', lease)).toMatchObject({ allowed: false, retryAfter: 1 });
    at(30 * SECOND);
    expect(reserve('next', 1, lease)).toEqual([true, 0]);
    expect(await settle('dead', 0)).toBe(false);
    expect(await renew('dead', 30 * SECOND)).toBe(false);
  });
});

it('of 100,000 holds, settled or abandoned, none is open, and no more is kept than a quota and its holds for each caller', async () => {
  let now = BEGUN;
  const store = new MemoryStore({ now: () => now });
  const policies = [tokens(), tokens({ name: 'bucket', algorithm: 'token-bucket' })];
  policies.push(definePolicy({ name: 'slots', algorithm: 'concurrency', limit: 500, lease: '30s' }));
  let most = 0;
  for (let i = 0; i < 100_000; i++) {
    const [policy, key] = [policies[i % 3]!, String(i % 100)];
    now += 1;
    store.consume([{ policy, key, cost: 1, hold: { id: String(i), ttl: 1_000 } }]);
    if (i % 10 > 0) await store.settle({ policy, key, id: String(i) }, 0);
    most = Math.max(most, store.size);
  }
  // A quota and its holds, of each policy and key.
  expect(most).toBeLessThanOrEqual(2 * 300);
  now += SECOND;
  for (const policy of policies) for (let i = 0; i < 100; i++) expect(await store.holds(policy, String(i))).toEqual([]);
});
