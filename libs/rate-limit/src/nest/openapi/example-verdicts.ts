import { algorithmOf } from '../../core/algorithms/index.js';
import type { Holds } from '../../core/holds/held-units.js';
import { judgeAll } from '../../core/judge-all.js';
import type { Policy } from '../../core/policy.js';
import type { Verdict } from '../../headers/ratelimit-headers.js';

/** A policy, and the units that a request spends. */
interface Use {
  readonly policy: Policy;
  readonly cost: number;
}

/** The slots that this many requests take, up to the limit. At most 10,000: documents hardly show larger limits. */
function slotsTaken(requests: number, { limit, lease }: Policy, now: number): Holds {
  const taken = Math.min(requests, limit, 10_000);
  const held = { cost: 1, mark: -1, expires: now + lease, keptUntil: now + lease };
  return new Map(Array.from({ length: taken }, (_, i) => [String(i), held]));
}

/**
 * The verdicts on one more request, right after `requests` equal ones that were all admitted.
 *
 * @param now milliseconds since the epoch: calendar windows vary
 */
export function verdictsAfter(requests: number, uses: readonly Use[], now: number): Verdict[] {
  const claims = uses.map(({ policy, cost }) => {
    const algorithm = algorithmOf(policy.algorithm);
    if (algorithm.countsHolds) return { policy, cost, state: undefined, holds: slotsTaken(requests, policy, now) };
    const { state } = algorithm.judge(policy, undefined, requests * cost, now);
    return { policy, cost, state };
  });
  return judgeAll(claims, now).map(({ decision }, i) => ({ ...uses[i]!, decision }));
}
