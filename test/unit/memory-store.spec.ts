import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { ExpiryQueue } from '../../libs/rate-limit/src/stores/memory/expiry-queue.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';

const short = definePolicy({ name: 'short', limit: 5, window: '1s' });
const long = definePolicy({ name: 'long', limit: 5, window: '1h' });

describe('MemoryStore', () => {
  let time = 0;
  const open = (maxKeys: number) => {
    time = 0;
    return new MemoryStore({ now: () => time, maxKeys });
  };
  const left = async (store: MemoryStore, policy: typeof short, key: string) =>
    store.consume([{ policy, key, cost: 0 }])[0]!.remaining;
  const spend = (store: MemoryStore, policy: typeof short, key: string) => store.consume([{ policy, key, cost: 1 }]);

  it('forgets what has expired before what was used least recently', async () => {
    const store = open(3);
    spend(store, long, 'oldest');
    spend(store, short, 'expiring');
    spend(store, long, 'newest');
    time = 1_000;
    spend(store, long, 'one more');
    expect(store.size).toBe(3);
    expect(await left(store, long, 'oldest')).toBe(4);
  });

  it('forgets what was used least recently when nothing has expired; a look is a use, and so is a denial', async () => {
    const store = open(3);
    for (const key of ['a', 'b', 'c']) spend(store, long, key);
    await left(store, long, 'a');
    store.consume([{ policy: long, key: 'b', cost: 9 }]);
    spend(store, long, 'd');
    expect(store.size).toBe(3);
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => left(store, long, key)))).toEqual([4, 4, 5, 4]);
  });

  it('never keeps more than maxKeys, and keeps nothing that is full', async () => {
    const store = open(50);
    for (let i = 0; i < 5_000; i++) {
      time += 1;
      spend(store, i % 3 ? short : long, `k${i}`);
      expect(store.size).toBeLessThanOrEqual(50);
    }
    const full = open(50);
    for (let i = 0; i < 100; i++) await left(full, long, `k${i}`);
    spend(full, long, 'k');
    full.consume([{ policy: long, key: 'k', cost: -1 }]);
    expect(full.size).toBe(0);
  });

  it('never keeps more than maxKeys, also when a request makes room for one of its keys by another', async () => {
    const store = open(1);
    spend(store, long, 'a');
    for (let i = 0; i < 3; i++) {
      store.consume(['b', 'a', 'c'].map((key) => ({ policy: long, key, cost: 1 })));
      expect(store.size).toBe(1);
    }
  });

  it('lets go of what has expired as new keys come, though there is room', async () => {
    const store = open(100_000);
    for (let i = 0; i < 5_000; i++) spend(store, short, `k${i}`);
    time = 5_000;
    for (let i = 0; i < 5_000; i++) spend(store, long, `n${i}`);
    expect(store.size).toBeLessThanOrEqual(5_001);
  });

  it('lets go of two that have expired for each new key, from the 1,001st on', async () => {
    const store = open(100_000);
    for (let i = 0; i < 999; i++) spend(store, short, `k${i}`);
    time = 1_000;
    const sizes = [];
    for (let i = 0; i < 5; i++) {
      spend(store, long, `n${i}`);
      sizes.push(store.size);
    }
    expect(sizes).toEqual([1_000, 999, 1_000, 999, 1_000]);
  });

  it('keeps 100,000 keys by default', async () => {
    const store = new MemoryStore({ now: () => time });
    for (let i = 0; i < 99_999; i++) spend(store, long, `k${i}`);
    const sizes = [];
    for (let i = 0; i < 3; i++) {
      spend(store, long, `n${i}`);
      sizes.push(store.size);
    }
    expect(sizes).toEqual([100_000, 100_000, 100_000]);
  });

  it('keeps a quota that was reset and spent again until its new window ends', async () => {
    const store = open(100_000);
    for (let i = 0; i < 1_001; i++) spend(store, long, `k${i}`);
    store.consume([{ policy: short, key: 'k', cost: 3 }]);
    await store.reset(short, 'k');
    time = 900;
    store.consume([{ policy: short, key: 'k', cost: 5 }]);
    time = 1_100;
    spend(store, long, 'sweeps');
    expect(await left(store, short, 'k')).toBe(0);
    time = 1_899;
    spend(store, long, 'sweeps again');
    expect(await left(store, short, 'k')).toBe(0);
    time = 1_900;
    expect(await left(store, short, 'k')).toBe(5);
  });

  it('does not grow by what was reset, and still finds what expires', async () => {
    const store = open(3);
    for (let i = 0; i < 20_000; i++) {
      spend(store, long, 'k');
      await store.reset(long, 'k');
    }
    expect(store['kept']['entries']['expiring'].size).toBeLessThanOrEqual(1_001);

    spend(store, short, 'expiring');
    for (let i = 0; i < 2_000; i++) {
      spend(store, long, 'k');
      await store.reset(long, 'k');
    }
    for (const key of ['a', 'b']) spend(store, long, key);
    await left(store, short, 'expiring');
    time = 1_000;
    spend(store, long, 'c');
    expect(await Promise.all(['a', 'b', 'c'].map((key) => left(store, long, key)))).toEqual([4, 4, 4]);
  });

  it('keeps nothing of policies that come and go, and puts nothing in the way of what was removed', () => {
    const store = open(10);
    for (let i = 0; i < 5_000; i++) {
      const policy = definePolicy({ name: `p${i}`, limit: 5, window: '1h', blockFor: '1h' });
      store.consume([{ policy, key: 'k', cost: i % 2 ? 5 : 1 }]);
      store.consume([{ policy, key: 'k', cost: 1 }]);
      store.consume([{ policy, key: 'only looks', cost: 0 }]);
    }
    const { quotas, blocks, entries } = store['kept'] as unknown as Record<string, Record<string, { size: number }>>;
    expect(quotas!.tables!.size + blocks!.tables!.size).toBe(10);
    expect(entries!.expiring!.size).toBeLessThanOrEqual(1_020);
  });

  it.each([0, -1, 1.5, NaN, '5'])('refuses maxKeys %p', (maxKeys) => {
    expect(() => new MemoryStore({ maxKeys: maxKeys as number })).toThrow(
      'RL_MAX_KEYS_INVALID: maxKeys must be a whole number, at least 1, got',
    );
  });

  it('refuses to reset what no hit could have spent', async () => {
    const store = open(3);
    await expect(store.reset({ ...long }, 'k')).rejects.toThrow('RL_POLICY_INVALID');
    await expect(store.reset(long, 5 as never)).rejects.toThrow('RL_KEY_INVALID');
  });

  it('keeps no process alive', async () => {
    const store = new URL('../../libs/rate-limit/dist/esm/index.js', import.meta.url).href;
    const program = `const { MemoryStore, definePolicy } = await import(${JSON.stringify(store)});
      const policy = definePolicy({ name: 'p', limit: 1, window: '1h' });
      console.log((await new MemoryStore().consume([{ policy, key: 'k', cost: 1 }]))[0].remaining);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 20_000,
    });
    expect(stdout.trim()).toBe('0');
  });
});

describe('ExpiryQueue', () => {
  it('gives what is over in the order in which it was due when it came, and keeps what was put off', () => {
    const items = fc.array(fc.record({ first: fc.nat(50), then: fc.nat(50) }), { maxLength: 40 });
    fc.assert(
      fc.property(items, fc.nat(120), (spans, now) => {
        const queue = new ExpiryQueue<{ first: number; expiresAt: number }>();
        const all = spans.map(({ first }) => ({ first, expiresAt: first }));
        for (const item of all) queue.add(item);
        all.forEach((item, i) => (item.expiresAt += spans[i]!.then));
        const taken: typeof all = [];
        for (let item; (item = queue.takeExpired(now));) taken.push(item);
        const over = all.filter(({ expiresAt }) => expiresAt <= now);
        expect(new Set(taken)).toEqual(new Set(over));
        expect(taken.map(({ first }) => first)).toEqual(over.map(({ first }) => first).sort((a, b) => a - b));
        expect(queue.size).toBe(all.length - over.length);
      }),
    );
  });
});
