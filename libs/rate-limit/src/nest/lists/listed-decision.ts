import { algorithmOf } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Lists } from './lists.js';

/** What lists say of a hit without a request: nothing, where none names its key. Who is denied is denied. */
export function listedDecision({ policy, key }: Hit, ...lists: readonly (Lists | undefined)[]): Decision | undefined {
  const { limit } = policy;
  if (lists.some((each) => each?.deny?.holdsKey(key))) {
    return { allowed: false, limit, remaining: 0, resetAfter: 0, retryAfter: -1, by: 'list' };
  }
  if (!lists.some((each) => each?.allow?.holdsKey(key))) return undefined;
  const { remaining } = algorithmOf(policy.algorithm).judge(policy, undefined, 0, 0);
  return { allowed: true, limit, remaining, resetAfter: 0, retryAfter: 0, by: 'list' };
}
