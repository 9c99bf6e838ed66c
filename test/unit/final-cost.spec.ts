import type { CallOutcome } from '../../libs/rate-limit/src/nest/ending/call-outcome.js';
import { finalCostOf, type Count } from '../../libs/rate-limit/src/nest/ending/final-cost.js';
import { callOutcome } from '../support/call-outcome.js';

const outcome = (some: Partial<CallOutcome>): CallOutcome => callOutcome({ held: 3, ...some });

const ended: Record<string, CallOutcome> = {
  success: outcome({}),
  failure: outcome({ ending: 'failure', status: 400 }),
  disconnect: outcome({ ending: 'disconnect' }),
  'refused by a guard': outcome({ ending: 'refused', refusedBy: 'guard', status: 401 }),
  'refused by a pipe': outcome({ ending: 'refused', refusedBy: 'pipe', status: 400 }),
};

const costOf = async (count: unknown, of: CallOutcome) => finalCostOf({ count: count as Count }, false, 'x')!.of(of);

it.each<[Count, Record<string, number>]>([
  ['failures', { success: 0, failure: 3, disconnect: 3, 'refused by a guard': 3, 'refused by a pipe': 0 }],
  // Who disconnects just before the end must not get all of it for nothing.
  ['successes', { success: 3, failure: 0, disconnect: 3, 'refused by a guard': 0, 'refused by a pipe': 0 }],
])('which calls count: %s', async (count, expected) => {
  const costs = await Promise.all(Object.entries(ended).map(async ([name, each]) => [name, await costOf(count, each)]));
  expect(Object.fromEntries(costs)).toEqual(expected);
});

it.each([
  ['nothing', () => undefined, 'undefined'],
  ['a promise of nothing', async () => undefined, 'undefined'],
  ['null', () => null, 'null'],
  ['text', async () => 'no', 'text'],
  ['a number', () => 0, '0'],
])('a count function that returns %s is a mistake that it says', async (_, count, got) => {
  await expect(costOf(count, ended.failure!)).rejects.toThrow(
    `RL_OPTION_INVALID: x: count must return true or false, or a promise of that, got ${got}`,
  );
});
