import fc from 'fast-check';
import type { Judgement } from '../../libs/rate-limit/src/core/algorithm.js';
import { slidingLog, type SlidingLogState } from '../../libs/rate-limit/src/core/algorithms/sliding-log.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';

const START = 1_700_000_000_000;

/** The law in its plainest form: a list of charges, read from the beginning each time. */
type Charges = readonly { readonly at: number; readonly units: number }[];

function plainly({ limit, window }: Policy, state: Charges, cost: number, now: number): Judgement<Charges> {
  let at = Math.max(now, state.at(-1)?.at ?? now);
  let live = state.filter((charge) => at < charge.at + window);
  const moved = at - now > window;
  if (moved) [live, at] = [[{ at: now, units: unitsOf(live) }], now];
  const used = unitsOf(live);
  const allowed = cost <= 0 || cost <= limit - used;
  let log = [...live];
  if (allowed && cost > 0) {
    const units = cost + unitsOf(log.filter((charge) => charge.at === at));
    log = [...log.filter((charge) => charge.at !== at), { at, units }];
  }
  for (let left = -cost; left > 0 && log.length > 0;) {
    const { at, units } = log.pop()!;
    if (units > left) log.push({ at, units: units - left });
    left -= units;
  }
  const kept = unitsOf(log);
  const remaining = Math.max(0, limit - kept);
  const wait = (charges: Charges, units: number) =>
    charges.find((_, i) => unitsOf(charges.slice(0, i + 1)) >= units)!.at + window - now;
  return {
    allowed,
    remaining,
    resetAfter: kept === 0 || limit === 0 ? 0 : wait(log, kept + remaining + 1 - limit),
    retryAfter: allowed ? 0 : cost > limit ? -1 : wait(live, used + cost - limit),
    state: moved || (allowed && cost !== 0) ? log : state,
  };
}

const unitsOf = (charges: Charges): number => charges.reduce((sum, { units }) => sum + units, 0);

const sizeOf = ({ full, last }: SlidingLogState): number => [...full, last].flat().length / 2;

const answerOf = ({ allowed, remaining, resetAfter, retryAfter }: Judgement<unknown>) => ({
  allowed,
  remaining,
  resetAfter,
  retryAfter,
});

const policies = fc
  .record({ limit: fc.constantFrom(0, 3, 50, 200, 1_000), window: fc.constantFrom(10, 100, 400) })
  .map((quota) => definePolicy({ name: 'log', algorithm: 'sliding-log', ...quota }));

/** Runs of charges, so that logs of several chunks come about, and moments that break them off. */
const events = fc.array(
  fc.record({
    step: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(0, 1, 2) },
      fc.constantFrom(7, 60, 130, 390, 401, -1, -40, -500),
    ),
    cost: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(1, 2) },
      fc.constantFrom(0, 5, 40, -1, -3, -45, -70, -2_000),
    ),
    times: fc.constantFrom(1, 1, 20, 90),
    /** From which of the earlier states it goes on: 0 is the newest. */
    back: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(30)),
  }),
  { maxLength: 12 },
);

describe('the log of a sliding log', () => {
  it('answers as a plain list of charges does, from any state, changes none, and keeps few that no longer count', () => {
    fc.assert(
      fc.property(policies, events, fc.boolean(), (policy, events, stored) => {
        const states: { log: SlidingLogState | undefined; plain: Charges; text: string | undefined }[] = [];
        states.push({ log: undefined, plain: [], text: undefined });
        const answers: object[] = [];
        const expected: object[] = [];
        let now = START;
        for (const { step, cost, times, back } of events) {
          let { log, plain } = states[Math.max(0, states.length - 1 - back)]!;
          for (let i = 0; i < (cost < 0 ? 1 : times); i++) {
            now += step;
            const judged = slidingLog.judge(policy, log, cost, now);
            const plainer = plainly(policy, plain, cost, now);
            ({ state: log } = judged);
            plain = log ? plainer.state! : [];
            if (log && judged.allowed && cost > 0) expect(sizeOf(log)).toBeLessThanOrEqual(2 * plain.length + 64);
            const lifetime = log && slidingLog.lifetime(policy, log, now);
            answers.push({ now, cost, lifetime, ...answerOf(judged) });
            const last = log && plain.at(-1)!.at;
            expected.push({ now, cost, lifetime: last && last + policy.window - now, ...answerOf(plainer) });
            const text = log && JSON.stringify(log);
            if (stored && text) log = JSON.parse(text) as SlidingLogState;
            states.push({ log, plain, text });
          }
        }
        expect(answers).toEqual(expected);
        expect(states.map(({ log }) => log && JSON.stringify(log))).toEqual(states.map(({ text }) => text));
      }),
      { numRuns: 200 },
    );
  });
});
