import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Decision } from '../../libs/rate-limit/src/core/decision.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import type { Policy } from '../../libs/rate-limit/src/core/policy.js';
import { isInShadow } from '../../libs/rate-limit/src/core/shadow.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { ShadowStore } from '../../libs/rate-limit/src/stores/shadow/shadow.store.js';
import { costs, policies, shadowOf, steps } from '../support/arbitraries.js';
import { closeClients, connectTo } from '../support/clients.js';
import { sharedRedis } from '../support/redis/servers.js';

const START = 1_700_000_000_000;

const trace = fc.array(fc.record({ step: steps, key: fc.constantFrom('a', 'b'), cost: costs }), {
  minLength: 1,
  maxLength: 25,
});

/** Requests under several policies, each of which enforces or is in shadow. */
const mixtures = fc.record({
  rules: fc
    .uniqueArray(fc.record({ policy: policies, isShadow: fc.boolean() }), {
      minLength: 2,
      maxLength: 3,
      selector: ({ policy }) => policy.id,
    })
    .map((rules) =>
      rules.map(({ policy, isShadow }) => ({ policy: isShadow ? shadowOf(policy) : policy, twin: policy })),
    ),
  trace,
});

describe.each([
  { kind: 'memory', runs: 1_000, open: (now: () => number) => new MemoryStore({ now }) },
  {
    kind: 'Redis',
    runs: 60,
    open: (now: () => number) =>
      new RedisStore(connectTo(sharedRedis().url), { prefix: randomUUID(), now, timeout: 10_000 }),
  },
])('shadow in $kind', ({ open, runs }) => {
  afterAll(closeClients);

  it('counts alone exactly as the same policy would enforcing, and denies nobody', async () => {
    let denied = 0;
    await fc.assert(
      fc.asyncProperty(policies, trace, async (policy, moments) => {
        const clock = { now: START };
        const [enforcing, shadowing] = [open(() => clock.now), new ShadowStore(open(() => clock.now))];
        const shadow = shadowOf(policy);
        for (const { step, key, cost } of moments) {
          clock.now = Math.max(0, clock.now + Math.round(step * policy.window));
          const expected = (await enforcing.consume([{ policy, key, cost }]))[0]!;
          const seen = (await shadowing.consume([{ policy: shadow, key, cost }]))[0]!;
          expect(seen.shadow).toEqual(expected);
          expect([seen.allowed, seen.retryAfter]).toEqual([true, 0]);
          if (!expected.allowed) denied++;
        }
      }),
      { numRuns: runs },
    );
    expect(denied).toBeGreaterThan(runs / 10);
  });

  it('changes nothing for the policies beside it, and counts each by itself when they pass', async () => {
    let [passed, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(mixtures, async ({ rules, trace: moments }) => {
        const clock = { now: START };
        const now = () => clock.now;
        const [store, enforcing, alone] = [new ShadowStore(open(now)), open(now), open(now)];
        for (const { step, key, cost } of moments) {
          clock.now = Math.max(0, clock.now + Math.round(step * rules[0]!.policy.window));
          const hits = rules.map(({ policy }) => ({ policy, key, cost }));
          const seen = await store.consume(hits);
          const expected = await enforcing.consume(hits.filter(({ policy }) => !isInShadow(policy)));
          expect(seen.filter((_, i) => !isInShadow(hits[i]!.policy))).toEqual(expected);
          const passes = expected.every(({ allowed }) => allowed);
          for (const [i, { policy, twin }] of rules.entries()) {
            if (!isInShadow(policy)) continue;
            expect(seen[i]!.allowed).toBe(true);
            // Beside a denial it is not even asked about.
            if (passes) expect(seen[i]!.shadow).toEqual(await one(alone, twin, key, cost));
            else expect(seen[i]!.by).toBe('open');
          }
          if (passes) passed++;
          else refused++;
        }
      }),
      { numRuns: runs },
    );
    expect(passed).toBeGreaterThan(runs);
    expect(refused).toBeGreaterThan(runs);
  });
});

type Store = { consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]> };

const one = async (store: Store, policy: Policy, key: string, cost: number): Promise<Decision> =>
  (await store.consume([{ policy, key, cost }]))[0]!;
