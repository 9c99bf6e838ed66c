import { algorithmOf } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Lists } from './lists.js';

/** What lists decide of a hit where there is no request; `undefined` where none names its key. */
export function listedDecision({ policy, key }: Hit, ...lists: readonly (Lists | undefined)[]): Decision | undefined {
  const { limit } = policy;
  const verdicts = lists.map((each) => each?.onKeyAlone(key));
  if (verdicts.includes('deny')) {
    return { allowed: false, limit, remaining: 0, resetAfter: 0, retryAfter: -1, by: 'list' };
  }
  if (!verdicts.includes('allow')) return undefined;
  const { remaining } = algorithmOf(policy.algorithm).judge(policy, undefined, 0, 0);
  return { allowed: true, limit, remaining, resetAfter: 0, retryAfter: 0, by: 'list' };
}
