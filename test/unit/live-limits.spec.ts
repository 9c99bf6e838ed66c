import fc from 'fast-check';
import { isInShadow } from '../../libs/rate-limit/src/core/shadow.js';
import type { Policy } from '../../libs/rate-limit/src/core/policy.js';
import { policyField, shownAt, type Verdict } from '../../libs/rate-limit/src/headers/ratelimit-headers.js';
import { planOf, policyFieldOf } from '../../libs/rate-limit/src/nest/plan/plan.js';
import { LIVE_MODES, type LimitBook, type LimitChanges } from '../../libs/rate-limit/src/core/limit-book.js';
import { RuleCatalogue } from '../../libs/rate-limit/src/nest/plan/rule-catalogue.js';
import { LiveLimits } from '../../libs/rate-limit/src/engine/limits/live-limits.js';
import type { RedisClient } from '../../libs/rate-limit/src/stores/redis/connection/client.js';
import { RedisLimitBook } from '../../libs/rate-limit/src/stores/redis/redis.limit-book.js';

/** A book whose every look waits until the test answers it. */
class SlowBook implements LimitBook {
  readonly isShared = true;
  readonly looks: ((changes?: LimitChanges) => void)[] = [];
  private version = 0;
  private asked: () => void = () => undefined;

  changesSince(): Promise<LimitChanges | undefined> {
    return new Promise((resolve) => {
      this.looks.push(resolve);
      this.asked();
    });
  }

  async write() {
    return { outcome: 'done', version: ++this.version } as const;
  }

  /** When so many looks have begun. */
  async begun(count: number): Promise<void> {
    while (this.looks.length < count) await new Promise<void>((resolve) => (this.asked = resolve));
  }
}

const told = (version: number, limit: number): LimitChanges => ({
  version,
  isWhole: true,
  entries: new Map([['daily:fw86400000', { limit, version }]]),
});

const limitsOn = (book: LimitBook, warn: (message: string) => void = () => undefined) =>
  new LiveLimits(new RuleCatalogue({ daily: { limit: 10, window: '1d' } }), book, {
    every: 60_000,
    patience: 1,
    warn,
  });

describe('looks at a book that is slow', () => {
  it('take turns, and all who ask during one share the next: nobody waits for more than two', async () => {
    const book = new SlowBook();
    const limits = limitsOn(book);
    const first = limits.get('daily');
    await book.begun(1);
    const later = Array.from({ length: 50 }, () => limits.get('daily'));
    book.looks[0]!(told(1, 20));
    expect(await first).toMatchObject({ limit: 20 });
    await book.begun(2);
    book.looks[1]!(told(2, 30));
    for (const { limit } of await Promise.all(later)) expect(limit).toBe(30);
    expect(book.looks).toHaveLength(2);
  });

  it('begin after what they are to see: one under way does not do for who has just written', async () => {
    const book = new SlowBook();
    const limits = limitsOn(book);
    const reading = limits.get('daily');
    await book.begun(1);
    const setting = limits.set('daily', { limit: 20 });
    await new Promise(setImmediate);
    book.looks[0]!();
    await reading;
    // A change begins with a look, because it may leave a part as it was set.
    await book.begun(2);
    book.looks[1]!();
    await book.begun(3);
    book.looks[2]!(told(1, 20));
    expect(await setting).toMatchObject({ limit: 20, version: 1 });
    const last = limits.get('daily');
    await book.begun(4);
    book.looks[3]!();
    expect(await last).toMatchObject({ limit: 20, version: 1 });
  });
});

describe('limits that the store has lost', () => {
  it('are told of, and what was defined holds', async () => {
    const book = new SlowBook();
    const news: string[] = [];
    const limits = limitsOn(book, (message) => news.push(message));
    const getting = [limits.get('daily')];
    await book.begun(1);
    book.looks[0]!(told(1, 20));
    expect(await getting[0]).toMatchObject({ limit: 20 });
    getting.push(limits.get('daily'));
    await book.begun(2);
    book.looks[1]!({ version: 0, isWhole: true, entries: new Map() });
    expect(await getting[1]).toMatchObject({ limit: 10, version: 0 });
    expect(news).toEqual([
      'The store lost the limits that were set: it was restarted empty, or flushed. The limits in the definitions apply again.',
    ]);
  });
});

describe('looks that Redis does not answer', () => {
  it('do not pile up in a client that keeps what it cannot send, and go on when it can', async () => {
    const queue: ((version: null) => void)[] = [];
    const client = { hget: () => new Promise<null>((resolve) => queue.push(resolve)) };
    const book = new RedisLimitBook(client as unknown as RedisClient, 'rl', 1);
    for (let i = 0; i < 40; i++) {
      await expect(book.changesSince(0)).rejects.toMatchObject({ code: 'RL_STORE_UNAVAILABLE' });
    }
    expect(queue).toHaveLength(1);
    queue[0]!(null);
    await new Promise(setImmediate);
    const look = book.changesSince(0);
    queue[1]!(null);
    expect(await look).toBeUndefined();
  });
});

describe('a start', () => {
  it('does not wait for ever for what is set, and goes by it as soon as it is told', async () => {
    const book = new SlowBook();
    const limits = limitsOn(book);
    await limits.start();
    try {
      const getting = limits.get('daily');
      book.looks[0]!(told(1, 20));
      await book.begun(2);
      book.looks[1]!();
      expect(await getting).toMatchObject({ limit: 20 });
    } finally {
      limits.stop();
    }
  });
});

describe('RateLimit-Policy, whose text is kept while limits do not change', () => {
  const names = ['daily', 'hourly', 'late'];
  const step = fc.record({
    name: fc.constantFrom(...names),
    key: fc.constantFrom(undefined, 'a', 'b'),
    limit: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    mode: fc.constantFrom(...LIVE_MODES),
  });
  const request = fc.record({ key: fc.constantFrom('a', 'b', 'c'), judged: fc.subarray(names) });

  it('names all policies of a route at any moment: those that were judged as they were, the others as they hold', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(step, request), { maxLength: 60 }), (moments) => {
        const catalogue = new RuleCatalogue(
          Object.fromEntries(names.map((name) => [name, { limit: 10, window: '1d' }])),
        );
        const plan = planOf(catalogue, [names], 'route');
        const liveOf = (name: string) => catalogue.live(name, '');
        for (const moment of moments) {
          if ('name' in moment) {
            const { name, key, limit, mode } = moment;
            liveOf(name).put(key, limit === undefined ? undefined : liveOf(name).with({ limit, mode }));
            continue;
          }
          const hit = (name: string): Policy => liveOf(name).for(undefined, moment.key);
          // Policies in shadow are not shown.
          const judged = moment.judged.filter((name) => !isInShadow(hit(name)));
          const verdicts = judged.map(
            (name) => ({ policy: hit(name), decision: { limit: hit(name).limit } }) as Verdict,
          );
          const expected = names
            .map((name) => (judged.includes(name) ? hit(name) : liveOf(name).current))
            .filter((policy) => !isInShadow(policy));
          expect(policyFieldOf(plan, verdicts, 0, false)).toBe(
            policyField(expected.map((policy) => shownAt(policy, 0))),
          );
        }
      }),
    );
  });
});
