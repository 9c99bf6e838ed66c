import fc from 'fast-check';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { inShadow } from '../../libs/rate-limit/src/core/shadow.js';
import { DeniedMost, HALF } from '../../libs/rate-limit/src/engine/observer/denied-most/denied-most.js';
import { SpaceSaving } from '../../libs/rate-limit/src/engine/observer/denied-most/space-saving.js';

const denial = { allowed: false, limit: 1, remaining: 0, resetAfter: 1, retryAfter: 1, by: 'store' } as const;
const policy = definePolicy({ name: 'login', limit: 1, window: '1m' });

describe('a space-saving sketch', () => {
  it('never counts too low, is wrong by its error at most, and keeps every key that comes more often than 1 in its size', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 12 })), fc.integer({ min: 1, max: 6 }), (stream, most) => {
        const sketch = new SpaceSaving(most);
        const exact = new Map<string, number>();
        for (const key of stream.map(String)) {
          sketch.add(key);
          exact.set(key, (exact.get(key) ?? 0) + 1);
        }
        expect([...sketch.entries()].length).toBe(Math.min(most, exact.size));
        for (const [key, truth] of exact) {
          const { count, atMostTooHigh } = sketch.of(key);
          expect(count).toBeGreaterThanOrEqual(truth);
          expect(count - atMostTooHigh).toBeLessThanOrEqual(truth);
          const isKept = [...sketch.entries()].some((each) => each.key === key);
          if (truth > stream.length / most) expect(isKept).toBe(true);
        }
      }),
    );
  });
});

describe('the callers that were denied most', () => {
  function at(start = 0) {
    const clock = { now: start };
    const denied = new DeniedMost(() => clock.now);
    const note = (key: string, times = 1) => {
      for (let i = 0; i < times; i++) denied.note({ policy, key, cost: 1 }, denial);
    };
    return { clock, denied, note };
  }

  it('are added over two halves, and forgotten after both', () => {
    const { clock, denied, note } = at();
    note('a', 2);
    note('b', 3);
    clock.now = HALF;
    note('a', 2);
    expect(denied.top('login', 10)).toEqual([
      { key: 'a', denials: 4, atMostTooHigh: 0 },
      { key: 'b', denials: 3, atMostTooHigh: 0 },
    ]);
    clock.now = 2 * HALF;
    expect(denied.top('login', 1)).toEqual([{ key: 'a', denials: 2, atMostTooHigh: 0 }]);
    clock.now = 9 * HALF;
    expect(denied.top('login', 10)).toEqual([]);
    // The name stays known, so that asking for it is not an error.
    expect([denied.knows('login'), denied.knows('logni')]).toEqual([true, false]);
  });

  it('are bounded in number, and a flood of others does not hide the most denied', () => {
    const { denied, note } = at();
    note('first', 500);
    for (let i = 0; i < 5_000; i++) note(`x${i}`);
    const top = denied.top('login', 1_000);
    expect(top).toHaveLength(100);
    expect(top[0]).toEqual({ key: 'first', denials: 500, atMostTooHigh: 0 });
  });

  it('include callers denied in shadow, and not callers that lists deny or that pass', () => {
    const { denied } = at();
    const note = (key: string, decision: Parameters<DeniedMost['note']>[1]) =>
      denied.note({ policy, key, cost: 1 }, decision);
    note('shadow', inShadow(denial));
    note('listed', { ...denial, by: 'list' });
    note('passed', { ...denial, allowed: true });
    note('again', { ...denial, by: 'remembered' });
    expect(denied.top('login', 10).map(({ key }) => key)).toEqual(['shadow', 'again']);
  });

  it('have bounded keys, which stay distinct', () => {
    const { denied, note } = at();
    note(`${'k'.repeat(5_000)}1`);
    note(`${'k'.repeat(5_000)}2`);
    const keys = denied.top('login', 10).map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key.length).toBeLessThanOrEqual(128);
  });
});
