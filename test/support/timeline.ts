import type { AlgorithmName } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { algorithmOf } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { checkedPolicy, type Policy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';

/** What happens at a moment, and what the answer must be. Spans in milliseconds. */
type Moment = [at: number, cost: number, allowed: boolean, remaining: number, retryAfter: number, resetAfter: number];

/** Plays moments on one key, from a full quota. Another policy may take over at any moment, on the same state. */
export function timeline(first: Policy, moments: (Moment | Policy)[]): void {
  const algorithm = algorithmOf(first.algorithm);
  let policy = first;
  let state: unknown;
  for (const moment of moments) {
    if (!Array.isArray(moment)) {
      expect(moment.id).toBe(first.id);
      policy = moment;
      continue;
    }
    const [at, cost, ...expected] = moment;
    const judged = algorithm.judge(policy, state, cost, at);
    const { allowed, remaining, retryAfter, resetAfter } = judged;
    expect([at, cost, allowed, remaining, retryAfter, resetAfter]).toEqual([at, cost, ...expected]);
    state = judged.state;
  }
}

export const policy = (algorithm: AlgorithmName, definition: Omit<PolicyDefinition, 'name' | 'algorithm'>): Policy =>
  checkedPolicy({ name: 'p', algorithm, ...definition });
