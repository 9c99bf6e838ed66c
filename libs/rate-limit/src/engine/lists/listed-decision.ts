import { algorithmOf } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Lists, ListVerdict } from './lists.js';

/**
 * The decision of lists about a hit that has no request; `undefined` if no list names its key.
 *
 * @param given the key as code wrote it, which may name one address while the hit's key stands for a whole /64
 */
export function listedDecision(
  { policy, key }: Hit,
  given: string,
  ...lists: readonly (Lists | undefined)[]
): Decision | undefined {
  const { limit } = policy;
  const verdict = verdictOn(key, given, ...lists);
  if (verdict === 'deny') {
    return { allowed: false, limit, remaining: 0, resetAfter: 0, retryAfter: -1, by: 'list' };
  }
  if (verdict === undefined) return undefined;
  const { remaining } = algorithmOf(policy.algorithm).judge(policy, undefined, 0, 0);
  return { allowed: true, limit, remaining, resetAfter: 0, retryAfter: 0, by: 'list' };
}

/** What lists say about a key that has no request. A denial outweighs an allowance. */
export function verdictOn(key: string, given: string, ...lists: readonly (Lists | undefined)[]): ListVerdict {
  const keys = given === key ? [key] : [key, given];
  const verdicts = lists.flatMap((each) => keys.map((one) => each?.onKeyAlone(one)));
  if (verdicts.includes('deny')) return 'deny';
  return verdicts.includes('allow') ? 'allow' : undefined;
}
