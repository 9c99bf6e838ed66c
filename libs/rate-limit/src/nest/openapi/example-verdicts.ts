import { algorithmOf } from '../../core/algorithms/index.js';
import { judgeAll } from '../../core/judge-all.js';
import type { Policy } from '../../core/policy.js';
import type { Verdict } from '../../headers/ratelimit-headers.js';

/** A policy, and the units that a request spends. */
interface Use {
  readonly policy: Policy;
  readonly cost: number;
}

/** The verdicts on one more request, right after `requests` equal ones that were all admitted. */
export function verdictsAfter(requests: number, uses: readonly Use[]): Verdict[] {
  const claims = uses.map(({ policy, cost }) => {
    const { state } = algorithmOf(policy.algorithm).judge(policy, undefined, requests * cost, 0);
    return { policy, cost, state };
  });
  return judgeAll(claims, 0).map(({ decision }, i) => ({ ...uses[i]!, decision }));
}
