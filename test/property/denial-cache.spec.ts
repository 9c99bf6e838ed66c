import { jest } from '@jest/globals';
import fc from 'fast-check';
import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import type { RateLimitStore } from '../../libs/rate-limit/src/core/store.js';
import { DenialCacheStore } from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { costs, policies } from '../support/arbitraries.js';

const START = 1_700_000_000_000;

const keys = fc.constantFrom('x', 'y');
const someHits = fc.array(fc.record({ rule: fc.nat(2), key: keys, cost: costs }), { minLength: 1, maxLength: 3 });

/** A few policies, and the requests that come again and again: denials are remembered of those. */
const traffic = (rules: fc.Arbitrary<Policy[]>) =>
  fc.record({
    rules,
    requests: fc.array(someHits, { minLength: 1, maxLength: 3 }),
    maxAge: fc.constantFrom(2, 30, 1_000, 60_000),
    maxEntries: fc.constantFrom(3, 6, 10_000),
  });

/** Policies that deny soon, and change within the ways to the store and back. No two judge one state. */
const tight = fc.uniqueArray(
  fc
    .record({
      name: fc.constantFrom('a', 'b', 'c'),
      algorithm: fc.constantFrom(...algorithmNames),
      limit: fc.integer({ min: 0, max: 3 }),
      window: fc.integer({ min: 5, max: 100 }),
    })
    .map((rule) => definePolicy(rule)),
  { minLength: 1, maxLength: 3, selector: ({ id }) => id },
);

/**
 * A block may outlast a bucket's debt. Whether somebody then sees the bucket full, or is told of the block without a
 * look, makes a difference to a lower limit, which drains slower a debt that nobody saw paid (docs/design-notes.md).
 */
const leastLimit = ({ algorithm, blocks, limit }: Policy): number =>
  blocks && (algorithm === 'token-bucket' || algorithm === 'gcra') ? limit : 0;

const hitsOf = (request: { rule: number; key: string; cost: number }[], rules: readonly Policy[]): Hit[] =>
  request.map(({ rule, key, cost }) => ({ policy: rules[rule % rules.length]!, key, cost }));

describe('with denials remembered', () => {
  /** Forth only: the clock of the cache never goes back. In windows of the first policy. */
  const steps = fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.double({ min: 0, max: 0.2, noNaN: true }) },
    fc.double({ min: 0, max: 1.2, noNaN: true }),
    fc.constantFrom(1, 2, 2.5),
  );
  const turns = fc.array(
    fc.record({
      step: steps,
      then: fc.oneof(
        { weight: 8, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat(2) }) },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant('other' as const), hits: someHits }) },
        fc.record({ kind: fc.constant('reset' as const), rule: fc.nat(2), key: keys }),
        fc.record({ kind: fc.constant('limit' as const), limit: fc.integer({ min: 0, max: 12 }) }),
        // For a number of ms; 0 ends a block.
        fc.record({ kind: fc.constant('block' as const), rule: fc.nat(2), key: keys, span: fc.nat(70) }),
      ),
    }),
    { minLength: 1, maxLength: 60, size: '+1' },
  );

  it('one process decides exactly as without, whatever it spends, gives back, resets, limits and blocks', async () => {
    let known = 0;
    let all = 0;
    await fc.assert(
      fc.asyncProperty(
        traffic(fc.array(policies, { minLength: 1, maxLength: 3 })),
        turns,
        async ({ rules, requests, ...options }, turns) => {
          let time = START;
          const now = () => time;
          const bare = new MemoryStore({ now });
          const inner = new MemoryStore({ now });
          const ask = jest.spyOn(inner, 'consume');
          const store = new DenialCacheStore(inner, { ...options, now });
          const current = [...rules];
          for (const { step, then } of turns) {
            time += Math.round(step * current[0]!.window);
            if (then.kind === 'limit') {
              const { name, algorithm, window } = current[0]!;
              const limit = Math.max(then.limit, leastLimit(rules[0]!));
              current[0] = definePolicy({ name, algorithm, window, limit });
            } else if (then.kind === 'reset') {
              const policy = current[then.rule % current.length]!;
              await Promise.all([bare, store].map((one) => one.reset(policy, then.key)));
            } else if (then.kind === 'block') {
              const policy = current[then.rule % current.length]!;
              if (policy.blocks) await Promise.all([bare, store].map((one) => one.block(policy, then.key, then.span)));
            } else {
              const hits = hitsOf(then.kind === 'again' ? requests[then.which % requests.length]! : then.hits, current);
              const before = ask.mock.calls.length;
              const decisions = await store.consume(hits);
              const isKnown = ask.mock.calls.length === before;
              const by = isKnown ? 'remembered' : 'store';
              expect(decisions).toEqual(bare.consume(hits).map((decision) => ({ ...decision, by })));
              if (isKnown) known++;
              all++;
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
    expect(known).toBeGreaterThan(all / 20);
  }, 120_000);

  /** Spans in quarters of a millisecond. */
  const ways = fc.oneof(fc.constant(0), fc.nat(40));
  const events = fc.array(
    fc.record({
      wait: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(30)),
      forth: ways,
      back: ways,
      lost: fc.boolean(),
      then: fc.oneof(
        { weight: 8, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat(2) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('other' as const), hits: someHits }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('give' as const), hits: someHits }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), rule: fc.nat(2), key: keys }) },
      ),
    }),
    { minLength: 1, maxLength: 60, size: '+1' },
  );

  it('nobody is denied whom the store would admit at that moment, however long its answers take and in what order', async () => {
    let known = 0;
    let all = 0;
    await fc.assert(
      fc.asyncProperty(traffic(tight), events, fc.nat(3), async ({ rules, requests, ...options }, events, phase) => {
        const line = new Line();
        // The server's clock is another, and tells whole milliseconds.
        const memory = new MemoryStore({ now: () => Math.floor(START + (line.quarters + phase) / 4) });
        let asked = 0;
        let way = { forth: 0, back: 0, lost: false };
        const delayed = async <T>(ask: () => T | Promise<T>): Promise<T> => {
          asked++;
          const { forth, back, lost } = way;
          await line.pass(forth);
          const answer = await ask();
          await line.pass(back);
          if (lost) throw new StoreUnavailableError('the answer was lost');
          return answer;
        };
        const inner: RateLimitStore = {
          consume: (hits) => delayed(() => memory.consume(hits)),
          reset: (policy, key) => delayed(() => memory.reset(policy, key)),
        };
        const store = new DenialCacheStore(inner, { ...options, now: () => line.quarters / 4 });

        for (const { wait, then, ...its } of events) {
          await line.run(wait);
          way = { ...its, lost: its.lost && (then.kind === 'give' || then.kind === 'reset') };
          if (then.kind === 'reset') {
            void store.reset(rules[then.rule % rules.length]!, then.key).catch(() => {});
            continue;
          }
          const request = then.kind === 'again' ? requests[then.which % requests.length]! : then.hits;
          const hits = hitsOf(request, rules).map((hit) => (then.kind === 'give' ? { ...hit, cost: -hit.cost } : hit));
          const before = asked;
          const answer = Promise.resolve(store.consume(hits));
          answer.catch(() => {});
          all++;
          if (asked > before) continue;
          known++;
          expect((await answer).some(({ allowed }) => !allowed)).toBe(true);
          expect({ hits, passes: await passes(memory, hits) }).toEqual({ hits, passes: false });
        }
      }),
      { numRuns: 3_000 },
    );
    expect(known).toBeGreaterThan(all / 20);
  }, 120_000);
});

/** Whether a request would pass now: exactly when each cost is at most what remains. Changes nothing. */
async function passes(store: RateLimitStore, hits: readonly Hit[]): Promise<boolean> {
  const left = await store.consume(hits.map((hit) => ({ ...hit, cost: 0 })));
  return hits.every(({ policy, key }, i) => {
    const together = hits.filter((other) => other.policy.id === policy.id && other.key === key);
    const cost = together.reduce((sum, { cost }) => sum + cost, 0);
    return cost <= left[i]!.remaining;
  });
}

/** Time that passes only when it is told to, and waits that end in the order of their ends. */
class Line {
  quarters = 0;
  private waits: { end: number; go: () => void }[] = [];

  async pass(quarters: number): Promise<void> {
    if (quarters > 0) await new Promise<void>((go) => this.waits.push({ end: this.quarters + quarters, go }));
  }

  async run(quarters: number): Promise<void> {
    const end = this.quarters + quarters;
    for (;;) {
      await settled();
      const next = this.waits.toSorted((a, b) => a.end - b.end)[0];
      if (!next || next.end > end) break;
      this.quarters = next.end;
      this.waits.splice(this.waits.indexOf(next), 1);
      next.go();
    }
    this.quarters = end;
  }
}

const settled = () => new Promise<void>((done) => setImmediate(done));
