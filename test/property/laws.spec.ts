import fc from 'fast-check';
import { algorithmNames, algorithmOf } from '../../libs/rate-limit/src/core/algorithms/index.js';
import type { Judgement } from '../../libs/rate-limit/src/core/algorithm.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { costs, policies, steps } from '../support/arbitraries.js';

const START = 1_700_000_000_000;
const runs = { numRuns: 2_000 };

/** A policy, and a state that random charges have brought about, as of `now`; `latest` is the furthest the clock was. */
const situations = fc
  .record({ policy: policies, charges: fc.array(fc.record({ step: steps, cost: costs }), { maxLength: 15 }) })
  .map(({ policy, charges }) => {
    let now = START;
    let latest = START;
    let state: unknown;
    for (const { step, cost } of charges) {
      now = Math.max(0, now + Math.round(step * policy.window));
      latest = Math.max(latest, now);
      state = judge(policy, state, cost, now).state;
    }
    return { policy, state, now, latest };
  });

const judge = (policy: Policy, state: unknown, cost: number, now: number): Judgement<unknown> =>
  algorithmOf(policy.algorithm).judge(policy, state, cost, now);

const answerOf = ({ allowed, remaining, resetAfter, retryAfter }: Judgement<unknown>) => ({
  allowed,
  remaining,
  resetAfter,
  retryAfter,
});

describe('whatever the algorithm and its state', () => {
  it('a denied hit passes exactly after retryAfter, and not a millisecond sooner', () => {
    fc.assert(
      fc.property(situations, costs, ({ policy, state, now }, cost) => {
        const denied = judge(policy, state, cost, now);
        fc.pre(!denied.allowed && denied.retryAfter !== -1);
        expect(denied.retryAfter).toBeGreaterThan(0);
        expect(judge(policy, denied.state, cost, now + denied.retryAfter).allowed).toBe(true);
        expect(judge(policy, denied.state, cost, now + denied.retryAfter - 1).allowed).toBe(false);
      }),
      runs,
    );
  });

  it('after resetAfter there is more than before, and a millisecond sooner there is not', () => {
    fc.assert(
      fc.property(situations, costs, ({ policy, state, now }, cost) => {
        const judged = judge(policy, state, cost, now);
        fc.pre(judged.resetAfter > 0);
        const later = (span: number) => judge(policy, judged.state, 0, now + span).remaining;
        expect(later(judged.resetAfter)).toBeGreaterThan(judged.remaining);
        expect(later(judged.resetAfter - 1)).toBeLessThanOrEqual(judged.remaining);
      }),
      runs,
    );
  });

  it('a hit is denied for good exactly when it costs more than the policy ever holds', () => {
    fc.assert(
      fc.property(situations, costs, ({ policy, state, now }, cost) => {
        const most = policy.limit === 0 ? 0 : policy.burst;
        expect(judge(policy, state, cost, now).retryAfter === -1).toBe(cost > most);
      }),
      runs,
    );
  });

  it('a denied hit waits for as long as the next unit does, at least, and leaves the state as it was', () => {
    fc.assert(
      fc.property(situations, costs, ({ policy, state, now }, cost) => {
        const denied = judge(policy, state, cost, now);
        fc.pre(!denied.allowed);
        if (denied.retryAfter !== -1) expect(denied.retryAfter).toBeGreaterThanOrEqual(denied.resetAfter);
        expect(answerOf(judge(policy, denied.state, 0, now))).toEqual(answerOf(judge(policy, state, 0, now)));
      }),
      runs,
    );
  });

  it('cost 0 is allowed and changes nothing, at that moment and later', () => {
    fc.assert(
      fc.property(situations, costs, fc.nat(200), ({ policy, state, now }, cost, later) => {
        const looked = judge(policy, state, 0, now);
        expect([looked.allowed, looked.retryAfter]).toEqual([true, 0]);
        expect(answerOf(judge(policy, looked.state, cost, now + later))).toEqual(
          answerOf(judge(policy, state, cost, now + later)),
        );
      }),
      runs,
    );
  });

  it('giving back n right after spending n restores the quota', () => {
    fc.assert(
      fc.property(situations, fc.integer({ min: 1, max: 4 }), ({ policy, state, now }, cost) => {
        const spent = judge(policy, state, cost, now);
        fc.pre(spent.allowed);
        const restored = judge(policy, spent.state, -cost, now);
        expect(answerOf(judge(policy, restored.state, 0, now))).toEqual(answerOf(judge(policy, state, 0, now)));
      }),
      runs,
    );
  });

  it('remaining is what can be spent at once: that much passes, one more does not', () => {
    fc.assert(
      fc.property(situations, ({ policy, state, now }) => {
        const { remaining } = judge(policy, state, 0, now);
        expect(remaining).toBeGreaterThanOrEqual(0);
        expect(judge(policy, state, remaining, now).allowed).toBe(true);
        expect(judge(policy, state, remaining + 1, now).allowed).toBe(false);
      }),
      runs,
    );
  });

  it('an absent state is a full quota, and a full state is none', () => {
    fc.assert(
      fc.property(situations, ({ policy, state, now }) => {
        const judged = judge(policy, state, -Number.MAX_SAFE_INTEGER, now);
        expect(judged.state).toBeUndefined();
        expect(answerOf(judged)).toEqual(answerOf(judge(policy, undefined, 0, now)));
      }),
      runs,
    );
  });

  it('a state that is made from what was told of another says the same, and frees nothing sooner', () => {
    fc.assert(
      fc.property(situations, costs, ({ policy, state, now, latest }, cost) => {
        fc.pre(now === latest);
        const told = judge(policy, state, cost, now);
        const used = policy.burst - told.remaining;
        const recalled = algorithmOf(policy.algorithm).recalled(policy, used, told.resetAfter, now);
        const again = judge(policy, recalled, 0, now);
        expect(again.remaining).toBe(told.remaining);
        expect(again.resetAfter).toBeGreaterThanOrEqual(told.resetAfter);
        const exact = policy.algorithm !== 'sliding-window' && policy.algorithm !== 'sliding-log';
        if (exact) expect(again.resetAfter).toBe(told.resetAfter);
      }),
      runs,
    );
  });

  it('after its lifetime a state is a full quota', () => {
    fc.assert(
      fc.property(situations, ({ policy, state, now }) => {
        const kept = judge(policy, state, 0, now).state;
        fc.pre(kept !== undefined && policy.limit > 0);
        const life = algorithmOf(policy.algorithm).lifetime(policy, kept, now);
        expect(life).toBeGreaterThan(0);
        expect(judge(policy, kept, 0, now + life).state).toBeUndefined();
      }),
      runs,
    );
  });

  it('a clock that goes back frees nothing, then or when it has caught up', () => {
    fc.assert(
      fc.property(situations, fc.double({ min: 0, max: 1, noNaN: true }), ({ policy, state, latest }, back) => {
        const { remaining, resetAfter, state: kept } = judge(policy, state, 0, latest);
        const { window, period } = policy;
        // A calendar window that ends further ahead than any can was begun by a clock that had jumped.
        const most = period.isCalendar ? Math.min(window, period.longest - resetAfter) : window;
        const then = judge(policy, kept, 0, latest - Math.floor(back * most));
        expect(then.remaining).toBeLessThanOrEqual(remaining);
        expect(judge(policy, then.state, 0, latest).remaining).toBeLessThanOrEqual(remaining);
      }),
      runs,
    );
  });
});

describe('in any span of one window', () => {
  /** The most that may pass, in units. */
  const bounds: Record<(typeof algorithmNames)[number], (policy: Policy) => number> = {
    'sliding-log': ({ limit }) => limit,
    'fixed-window': ({ limit }) => 2 * limit - 1,
    'sliding-window': ({ limit }) => 2 * limit - 1,
    'token-bucket': ({ limit, burst }) => burst + limit,
    gcra: ({ limit, burst }) => burst + limit,
  };

  it.each(algorithmNames)('%s never admits more than its bound', (algorithm) => {
    const rule = fc.record({ limit: fc.integer({ min: 1, max: 8 }), window: fc.integer({ min: 1, max: 40 }) });
    const arrivals = fc.array(fc.record({ wait: fc.nat(30), cost: fc.integer({ min: 1, max: 3 }) }), { maxLength: 60 });
    fc.assert(
      fc.property(rule, arrivals, (numbers, requests) => {
        const policy = definePolicy({ name: 'p', algorithm, ...numbers });
        const passed: { at: number; cost: number }[] = [];
        let state: unknown;
        let now = START;
        for (const { wait, cost } of requests) {
          now += wait;
          const judged = judge(policy, state, cost, now);
          state = judged.state;
          if (judged.allowed) passed.push({ at: now, cost });
        }
        for (const { at } of passed) {
          const span = passed.filter((other) => other.at >= at && other.at < at + policy.window);
          const units = span.reduce((sum, { cost }) => sum + cost, 0);
          // A limit of 1 leaves no unit to straddle with.
          expect(units).toBeLessThanOrEqual(Math.max(1, bounds[algorithm](policy)));
        }
      }),
      runs,
    );
  });
});
