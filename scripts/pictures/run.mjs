// What an algorithm does with a timeline of requests. The time is an argument: nothing waits.
import '../typescript/register.mjs';

const { definePolicy } = await import('../../libs/rate-limit/src/core/policy.ts');
const { algorithmOf } = await import('../../libs/rate-limit/src/core/algorithms/index.ts');

/** How often `remaining` is looked at between requests, in milliseconds. */
const LOOK = 50;

/**
 * @param requests moments in milliseconds, in order; several at one moment come one after another
 * @returns `decisions`: `{ at, allowed }` for each; `remaining`: `[at, units]` wherever it changed
 */
export function run({ algorithm: name, limit, window, burst }, requests, until) {
  const algorithm = algorithmOf(name);
  const policy = definePolicy({ name: 'shown', algorithm: name, limit, window, burst });
  const decisions = [];
  const remaining = [];
  let state;
  const note = (at, units) => {
    if (remaining.at(-1)?.[1] !== units) remaining.push([at, units]);
  };
  const looks = Array.from({ length: Math.floor(until / LOOK) + 1 }, (_, i) => ({ at: i * LOOK, cost: 0 }));
  const hits = requests.map((at) => ({ at, cost: 1 }));
  // A look comes before the requests of its moment: the sort is stable.
  for (const { at, cost } of [...looks, ...hits].sort((a, b) => a.at - b.at)) {
    const judged = algorithm.judge(policy, state, cost, at);
    state = judged.state;
    if (cost > 0) decisions.push({ at, allowed: judged.allowed });
    note(at, judged.remaining);
  }
  return { decisions, remaining };
}
