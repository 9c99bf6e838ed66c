import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { LastAnswers } from '../../libs/rate-limit/src/stores/failure/last-answers.js';

const five = definePolicy({ name: 'five', limit: 5, window: '1h' });

/** Remembers an answer that left this much of the quota. */
const note = (memory: LastAnswers, key: string, remaining = 0, policy: Policy = five, cost = 1): void =>
  memory.note(
    { policy, key, cost },
    { allowed: true, limit: policy.limit, remaining, resetAfter: 60, retryAfter: 0, by: 'store' },
  );
const used = (memory: LastAnswers, key: string, policy = five) => memory.take(policy, key)?.used;

describe('what a store last said of a quota', () => {
  /** Of four quotas, so that two fill a generation. */
  const memoryOfFour = () => new LastAnswers(() => 1_000, 4);

  it('is taken once', () => {
    const memory = memoryOfFour();
    note(memory, 'a', 2);
    expect(memory.take(five, 'a')).toEqual({ used: 3, resetAfter: 60, at: 1_000 });
    expect(memory.take(five, 'a')).toBeUndefined();
  });

  it('is taken once also from the older generation, and from both', () => {
    const memory = memoryOfFour();
    note(memory, 'a');
    note(memory, 'b');
    expect([used(memory, 'a'), used(memory, 'a')]).toEqual([5, undefined]);

    note(memory, 'b', 4);
    expect([used(memory, 'b'), used(memory, 'b')]).toEqual([1, undefined]);
  });

  it('is forgotten when two generations more were filled, and not before', () => {
    const memory = memoryOfFour();
    for (const key of ['a', 'b', 'c']) note(memory, key);
    expect([used(memory, 'a'), used(memory, 'c')]).toEqual([5, 5]);
    note(memory, 'd');
    expect([used(memory, 'b'), used(memory, 'd')]).toEqual([undefined, 5]);
  });

  it('is always remembered from a sixteenth of the quota on, and of less one answer in seventeen', () => {
    const sixteen = definePolicy({ name: 'sixteen', limit: 16, window: '1h' });
    const seventeen = definePolicy({ name: 'seventeen', limit: 17, window: '1h' });
    const memory = new LastAnswers(() => 1_000);
    note(memory, 'a', 15, sixteen);
    expect(used(memory, 'a', sixteen)).toBe(1);
    for (let i = 1; i <= 16; i++) {
      note(memory, 'a', 16, seventeen);
      expect(used(memory, 'a', seventeen)).toBeUndefined();
    }
    note(memory, 'a', 16, seventeen);
    expect(used(memory, 'a', seventeen)).toBe(1);
    note(memory, 'a', 15, seventeen);
    expect(used(memory, 'a', seventeen)).toBe(2);
    // Units that were given back: what was remembered before would say too much.
    note(memory, 'a', 17, seventeen, -1);
    expect(used(memory, 'a', seventeen)).toBe(0);
  });

  it('is the last answer, however many came before it', () => {
    const memory = new LastAnswers(() => 1_000);
    for (const answers of [511, 512, 513]) {
      for (let i = 0; i < answers; i++) note(memory, 'a', i % 5);
      note(memory, 'a', 1);
      expect([answers, used(memory, 'a'), used(memory, 'a')]).toEqual([answers, 4, undefined]);
    }
  });
});
