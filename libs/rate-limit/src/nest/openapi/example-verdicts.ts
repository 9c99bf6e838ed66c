import { algorithmOf } from '../../core/algorithms/index.js';
import { raised, underBlock } from '../../core/blocks/block.js';
import type { Decision } from '../../core/decision.js';
import type { Policy } from '../../core/policy.js';
import type { Verdict } from '../../headers/ratelimit-headers.js';

/** A policy, and the units that a request spends. */
interface Use {
  readonly policy: Policy;
  readonly cost: number;
}

/** The verdicts on a request that follows this many others at the same instant. All are charged or none, as in a store. */
export function verdictsAfter(requests: number, policies: readonly Use[]): Verdict[] {
  const judged = policies.map(({ policy, cost }) => {
    const algorithm = algorithmOf(policy.algorithm);
    const { state } = algorithm.judge(policy, undefined, requests * cost, 0);
    const [look, charge] = [0, cost].map((units) => algorithm.judge(policy, state, units, 0));
    return { policy, cost, look: look!, charge: charge! };
  });
  const isDenied = judged.some(({ charge }) => !charge.allowed);
  return judged.map(({ policy, cost, look, charge }) => {
    const { allowed, remaining, resetAfter, retryAfter } = isDenied && charge.allowed ? look : charge;
    const decision: Decision = { allowed, limit: policy.limit, remaining, resetAfter, retryAfter, by: 'store' };
    const block = !charge.allowed && retryAfter > 0 && policy.blocks && raised(policy.blocks, undefined, 0);
    if (!block) return { policy, cost, decision };
    return { policy, cost, decision: { ...decision, ...underBlock(policy, decision, cost, retryAfter, block.span) } };
  });
}
