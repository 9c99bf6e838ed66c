import fc from 'fast-check';
import { algorithmOf } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { judgeAll, type Claim } from '../../libs/rate-limit/src/core/judge-all.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { costs, policies } from '../support/arbitraries.js';

const NOW = 1_800_000_000_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const two = definePolicy({ name: 'two', limit: 2, window: '10s' });
const five = definePolicy({ name: 'five', limit: 5, window: '1h', algorithm: 'sliding-window' });
const strict = definePolicy({ name: 'strict', limit: 1, window: '10s', blockFor: ['1m', '10m'] });
const extending = definePolicy({ name: 'strict', limit: 1, window: '10s', blockFor: { spans: '1m', extend: true } });

const claim = (policy: Claim['policy'], cost = 1, { state, block }: Partial<Claim> = {}): Claim => ({
  policy,
  cost,
  state,
  block,
});
const spentOf = (policy: Claim['policy'], units: number): unknown => judgeAll([claim(policy, units)], NOW)[0]!.state;

describe('judgeAll', () => {
  it('charges every hit when none is denied', () => {
    const outcomes = judgeAll([claim(two), claim(five, 2)], NOW);
    expect(outcomes.map(({ decision }) => [decision.allowed, decision.limit, decision.remaining])).toEqual([
      [true, 2, 1],
      [true, 5, 3],
    ]);
    expect(outcomes.map(({ state }) => state)).toEqual([
      { end: NOW + 10_000, used: 1 },
      { start: NOW, current: 2, previous: 0 },
    ]);
  });

  it('charges no hit when one is denied, and the others report their untouched quota', () => {
    const [spent, some] = [spentOf(two, 2), spentOf(five, 1)];
    const [denied, beside, unused] = judgeAll(
      [claim(two, 1, { state: spent }), claim(five, 3, { state: some }), claim(strict)],
      NOW,
    );
    expect(denied!.decision).toMatchObject({ allowed: false, remaining: 0, retryAfter: 10 * SECOND });
    expect(beside!.decision).toMatchObject({ allowed: true, remaining: 4, retryAfter: 0 });
    expect(denied!.state).toBe(spent);
    expect(beside!.state).toBe(some);
    expect([unused!.decision.remaining, unused!.state, unused!.block]).toEqual([1, undefined, undefined]);
  });

  it('begins a block for the hit that its own quota denies, and for none beside it', () => {
    const both = [claim(strict, 1, { state: spentOf(strict, 1) }), claim(extending)];
    const [denied, beside] = judgeAll(both, NOW);
    expect(denied!.block).toEqual({ start: NOW, span: MINUTE, step: 1 });
    expect(denied!.decision).toMatchObject({ allowed: false, retryAfter: MINUTE, blockedFor: MINUTE });
    expect([beside!.block, beside!.decision.blockedFor]).toEqual([undefined, undefined]);
  });

  it('denies the whole request while a block of one hit lasts, and charges nothing', () => {
    const block = { start: NOW - SECOND, span: MINUTE, step: 1 };
    const [blocked, beside] = judgeAll([claim(strict, 1, { block }), claim(two)], NOW);
    expect(blocked!.decision).toMatchObject({ allowed: false, remaining: 0, blockedFor: MINUTE - SECOND });
    expect(blocked!.block).toBe(block);
    expect([blocked!.state, beside!.state, beside!.decision.remaining]).toEqual([undefined, undefined, 2]);
  });

  it('extends a block only where the rule says so, and only for a hit that could ever pass', () => {
    const block = { start: NOW - SECOND, span: MINUTE, step: 1 };
    const blockAfter = (policy: Claim['policy'], cost: number) =>
      judgeAll([claim(policy, cost, { block })], NOW)[0]!.block;
    expect(blockAfter(extending, 1)).toEqual({ ...block, start: NOW });
    expect(blockAfter(strict, 1)).toEqual(block);
    expect(blockAfter(extending, 2)).toEqual(block);
    expect(blockAfter(extending, 0)).toEqual(block);
  });

  it('lets callers look and give back under a block', () => {
    const given = claim(strict, -1, { state: spentOf(strict, 1), block: { start: NOW, span: MINUTE, step: 1 } });
    const [outcome] = judgeAll([given], NOW);
    expect(outcome!.decision).toMatchObject({ allowed: true, remaining: 0, blockedFor: MINUTE });
    expect(outcome!.state).toBeUndefined();
  });

  it('answers no claims with no outcomes', () => {
    expect(judgeAll([], NOW)).toEqual([]);
  });

  it('does to each hit what its algorithm does: with the cost when all pass, with cost 0 beside a denial', () => {
    const claims = fc.array(fc.record({ policy: policies, cost: costs, spent: fc.nat(4) }), { maxLength: 4 });
    fc.assert(
      fc.property(claims, (drawn) => {
        const all = drawn.map(({ policy, cost, spent }) => claim(policy, cost, { state: spentOf(policy, spent) }));
        const alone = all.map(({ policy, state }, i) =>
          [all[i]!.cost, 0].map((cost) => algorithmOf(policy.algorithm).judge(policy, state, cost, NOW)),
        );
        const isDenied = alone.some(([charged]) => !charged!.allowed);
        judgeAll(all, NOW).forEach(({ decision, state }, i) => {
          const [charged, looked] = alone[i]!;
          const expected = isDenied && charged!.allowed ? looked! : charged!;
          expect(state).toEqual(expected.state);
          if (decision.blockedFor === undefined) expect(decision.remaining).toBe(expected.remaining);
          expect(decision.allowed).toBe(expected.allowed);
        });
      }),
    );
  });
});
