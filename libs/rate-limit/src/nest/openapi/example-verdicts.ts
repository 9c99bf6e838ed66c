import { algorithmOf } from '../../core/algorithms/index.js';
import { judgeAll } from '../../core/judge-all.js';
import type { Policy } from '../../core/policy.js';
import type { Verdict } from '../../headers/ratelimit-headers.js';

/** A policy, and the units that a request spends. */
interface Use {
  readonly policy: Policy;
  readonly cost: number;
}

/**
 * The verdicts on one more request, right after `requests` equal ones that were all admitted.
 *
 * @param now milliseconds since the epoch: calendar windows vary
 */
export function verdictsAfter(requests: number, uses: readonly Use[], now: number): Verdict[] {
  const claims = uses.map(({ policy, cost }) => {
    const { state } = algorithmOf(policy.algorithm).judge(policy, undefined, requests * cost, now);
    return { policy, cost, state };
  });
  return judgeAll(claims, now).map(({ decision }, i) => ({ ...uses[i]!, decision }));
}
