import fc from 'fast-check';
import type { Decision } from '../../libs/rate-limit/src/core/decision.js';
import type { Policy } from '../../libs/rate-limit/src/core/policy.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { costs, policies, steps } from '../support/arbitraries.js';

const START = 1_700_000_000_000;
const runs = { numRuns: 1_000 };

/** A policy that blocks, and what was spent under it and when. */
const situations = fc.record({
  policy: policies.filter(({ blocks }) => blocks !== undefined),
  spent: fc.array(fc.record({ step: steps, cost: costs }), { minLength: 1, maxLength: 15 }),
});
type Situation = typeof situations extends fc.Arbitrary<infer S> ? S : never;

/** The same situation each time it is asked for. */
async function brought({ policy, spent }: Situation) {
  const clock = { now: START, latest: START };
  const store = new MemoryStore({ now: () => clock.now });
  const ask = async (cost: number): Promise<Decision> => store.consume([{ policy, key: 'k', cost }])[0]!;
  for (const { step, cost } of spent) {
    clock.now = Math.max(0, clock.now + Math.round(step * policy.window));
    clock.latest = Math.max(clock.latest, clock.now);
    await ask(cost);
  }
  /** As if there were no block. */
  const bare = async (policy: Policy, cost: number) => {
    await store.unblock(policy, 'k');
    return ask(cost);
  };
  return { clock, store, ask, bare };
}

describe('under a policy that blocks, whatever its algorithm and its state', () => {
  it('a denied hit passes exactly after retryAfter, and not a millisecond sooner', async () => {
    let blocked = 0;
    await fc.assert(
      fc.asyncProperty(situations, fc.integer({ min: 1, max: 4 }), async (situation, cost) => {
        const [inTime, early] = [await brought(situation), await brought(situation)];
        const denied = await inTime.ask(cost);
        fc.pre(!denied.allowed && denied.retryAfter !== -1);
        if (denied.blockedFor !== undefined) blocked++;
        inTime.clock.now += denied.retryAfter;
        expect((await inTime.ask(cost)).allowed).toBe(true);
        await early.ask(cost);
        early.clock.now += denied.retryAfter - 1;
        expect((await early.ask(cost)).allowed).toBe(false);
      }),
      runs,
    );
    expect(blocked).toBeGreaterThan(100);
  });

  it('a hit passes exactly when its cost is at most what is told to remain', async () => {
    await fc.assert(
      fc.asyncProperty(situations, costs, async (situation, cost) => {
        const { remaining } = await (await brought(situation)).ask(0);
        const { allowed } = await (await brought(situation)).ask(cost);
        expect(allowed).toBe(cost <= Math.max(0, remaining));
      }),
      runs,
    );
  });

  it('while a block stands nothing remains, and until it ends nothing more comes', async () => {
    await fc.assert(
      fc.asyncProperty(situations, costs, async (situation, cost) => {
        const { ask, clock } = await brought(situation);
        const { remaining, resetAfter, retryAfter, blockedFor } = await ask(cost);
        fc.pre(blockedFor !== undefined);
        expect(blockedFor).toBeGreaterThan(0);
        expect(remaining).toBe(0);
        if (retryAfter > 0) expect(retryAfter).toBeGreaterThanOrEqual(resetAfter);
        if (situation.policy.limit === 0) return;
        expect(resetAfter).toBeGreaterThanOrEqual(blockedFor);
        clock.now += resetAfter - 1;
        expect((await ask(0)).remaining).toBe(0);
        clock.now += 1;
        expect((await ask(0)).remaining).toBeGreaterThan(0);
      }),
      runs,
    );
  });

  it('looking changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(situations, costs, fc.nat(100), async (situation, cost, later) => {
        const [looked, not] = [await brought(situation), await brought(situation)];
        expect((await looked.ask(0)).allowed).toBe(true);
        for (const { clock } of [looked, not]) clock.now += later;
        expect(await looked.ask(cost)).toEqual(await not.ask(cost));
      }),
      runs,
    );
  });

  it('a denial by a block charges nothing: when it is ended, the quota is as if nobody had asked', async () => {
    await fc.assert(
      fc.asyncProperty(situations, fc.integer({ min: 1, max: 4 }), async (situation, cost) => {
        const [asked, not] = [await brought(situation), await brought(situation)];
        fc.pre(!(await asked.ask(cost)).allowed);
        expect(await asked.bare(situation.policy, 0)).toEqual(await not.bare(situation.policy, 0));
      }),
      runs,
    );
  });

  it('no block is told that is longer than twice its longest span', async () => {
    await fc.assert(
      fc.asyncProperty(situations, costs, async (situation, cost) => {
        const { blockedFor = 0 } = await (await brought(situation)).ask(cost);
        // Twice, because a clock that was set back by less than the span frees nothing.
        expect(blockedFor).toBeLessThanOrEqual(2 * Math.max(...situation.policy.blocks!.spans));
      }),
      runs,
    );
  });
});
