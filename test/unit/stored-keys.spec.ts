import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { FailurePolicyStore } from '../../libs/rate-limit/src/stores/failure/failure-policy.store.js';
import { keptKey, LONGEST_PLAIN_KEY } from '../../libs/rate-limit/src/stores/long-key.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { partitionOf, StateKeys } from '../../libs/rate-limit/src/stores/redis/wire/keys.js';
import { slotOf } from '../../libs/rate-limit/src/stores/redis/wire/slots.js';

/** Whatever a client may send, lone surrogates too. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('%', ';', '{', '}', '#', ' ', 'a', ':', '\u0000', '\ud800', '\udc00', '25') }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 }).map((units) => String.fromCharCode(...units)),
);

const keys = new StateKeys('rl');

describe('where states are stored', () => {
  it('reads like what it is', () => {
    const policy = definePolicy({ name: 'daily', limit: 5, window: '1d' });
    expect(keys.of(policy, partitionOf('user:42'))).toBe('rl:{user:42}:daily:fw86400000');
  });

  it('names the algorithm and the window, never the limit or the burst', () => {
    const id = (more: object) => definePolicy({ name: 'p', limit: 5, window: '1m', ...more }).id;
    expect(id({ limit: 9 })).toBe(id({}));
    expect(id({ algorithm: 'gcra', burst: 2 })).toBe(id({ algorithm: 'gcra', burst: 3 }));
    expect(
      new Set([id({}), id({ window: '2m' }), id({ algorithm: 'sliding-window' }), id({ algorithm: 'sliding-log' })])
        .size,
    ).toBe(4);
  });

  it.each([
    ['', '%'],
    ['}x', '%7d;x'],
    ['{}', '%7b;%7d;'],
    ['%', '%25;'],
    ['#x', '%23;x'],
    ['a#x', 'a#x'],
    ['a b', 'a b'],
    [' a', '%20;a'],
    ['a\nb', 'a%a;b'],
    ['é', '%e9;'],
    ['😀', '%1f600;'],
    ['\ud800', '%d800;'],
    ['__proto__', '__proto__'],
  ])('%j is kept as %s', (key, partition) => {
    expect(partitionOf(key)).toBe(partition);
  });

  it('a long key is kept as its digest', () => {
    expect(partitionOf('k'.repeat(128))).toHaveLength(128);
    expect(partitionOf('k'.repeat(129))).toMatch(/^#[\w-]{43}$/);
    expect(partitionOf('é'.repeat(100))).toMatch(/^#[\w-]{43}$/);
    // By its length as it is written: four characters for each é.
    const written = (length: number) => 'é'.repeat(25) + 'k'.repeat(length - 100);
    for (const length of [127, 128]) expect(partitionOf(written(length))).toHaveLength(length);
    for (const length of [129, 130]) expect(partitionOf(written(length))).toMatch(/^#[\w-]{43}$/);
  });

  it('a partition is short, never empty, printable, and holds no brace', () => {
    fc.assert(
      fc.property(text, (key) => void expect(partitionOf(key)).toMatch(/^[ -z|~]{1,128}$/)),
      { numRuns: 2_000 },
    );
  });

  it('no two keys share a partition', () => {
    fc.assert(
      fc.property(text, text, (a, b) => void expect(partitionOf(a) === partitionOf(b)).toBe(a === b)),
      { numRuns: 5_000 },
    );
  });

  it('what memory keeps of a key is short, and no two keys share it', async () => {
    const kept = fc.oneof(
      text,
      text.map((key) => key.padStart(200)),
      text.map((key) => keptKey(key.padStart(200))),
      text.map((key) => keptKey(key.padStart(200)).trimEnd()),
    );
    fc.assert(
      fc.property(kept, kept, (a, b) => {
        expect(keptKey(a).length).toBeLessThanOrEqual(LONGEST_PLAIN_KEY + 1);
        expect(keptKey(a) === keptKey(b)).toBe(a === b);
        expect(keptKey(keptKey(a)) === keptKey(a)).toBe(a.length <= LONGEST_PLAIN_KEY);
      }),
      { numRuns: 2_000 },
    );
  });

  it('long keys take no more memory than short ones, where decisions are made and where they are remembered', async () => {
    setFlagsFromString('--expose-gc');
    const used = (): number => {
      (runInNewContext('gc') as () => void)();
      return process.memoryUsage().heapUsed;
    };
    // As a header comes: padStart() alone makes a rope, which takes no memory to speak of.
    const long = (i: number): string => Buffer.from(String(i).padStart(16_000, 'k')).toString();
    const policy = definePolicy({ name: 'p', limit: 5, window: '1d' });
    const memory = new MemoryStore();
    let away = false;
    const inner = {
      consume: async (hits: readonly Hit[]) =>
        away ? Promise.reject(new StoreUnavailableError('away')) : memory.consume(hits),
      reset: async () => {},
    };
    const store = new FailurePolicyStore(inner, { mode: 'local', observer: {} });
    const before = used();
    for (let i = 0; i < 4_000; i++) await store.consume([{ policy, key: long(i), cost: 2 }]);
    expect((used() - before) / 4_000).toBeLessThan(2_000);

    const left = async (key: string) => (await store.consume([{ policy, key, cost: 0 }]))[0]!.remaining;
    expect([await left(long(7)), await left(long(4_000))]).toEqual([3, 5]);
    away = true;
    expect([await left(long(7)), await left(long(4_000))]).toEqual([3, 5]);
  });

  it('no key chooses its slot by a hash tag of its own', () => {
    const policies = ['one', 'two}', '{three}'].map((name) => definePolicy({ name, limit: 1, window: '1m' }));
    fc.assert(
      fc.property(text, (key) => {
        const slots = policies.map((policy) => slotOf(keys.of(policy, partitionOf(key))));
        expect(new Set(slots)).toEqual(new Set([slotOf(partitionOf(key))]));
      }),
    );
  });

  it('slots are those of the Cluster specification', () => {
    expect(slotOf('123456789')).toBe(0x31c3);
    expect(slotOf('{user1000}.following')).toBe(slotOf('{user1000}.followers'));
    expect(slotOf('foo{}{bar}')).toBe(slotOf('foo{}{bar}'));
    expect(slotOf('foo{}{bar}')).not.toBe(slotOf('bar'));
    expect(slotOf('foo{{bar}}zap')).toBe(slotOf('{bar'));
    expect(slotOf('foo{bar}{zap}')).toBe(slotOf('bar'));
  });
});
