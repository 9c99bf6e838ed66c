import type { DecisionEvent } from '../../core/observer.js';
import type { SafeObserver } from './safe-observer.js';

/**
 * Called when a list decides about a caller before any policy is judged.
 *
 * @param policy the policy that the list belongs to; `undefined`: a list of the limiter
 * @param key the address or key that the list names
 * @param isShadow whether the list is in shadow, and denies nobody
 */
export type ListListener = (
  policy: string | undefined,
  key: string,
  verdict: 'allow' | 'deny',
  isShadow: boolean,
) => void;

/** Reports the decisions of lists; `undefined` if no observer receives them. */
export const listListenerOf = ({ checked }: Pick<SafeObserver, 'checked'>): ListListener | undefined =>
  checked && ((policy, key, verdict, isShadow) => checked([listed(policy, key, verdict === 'allow', isShadow)]));

const listed = (policy: string | undefined, key: string, allowed: boolean, shadow: boolean): DecisionEvent => ({
  policy,
  key,
  cost: 0,
  allowed,
  passed: allowed,
  shadow,
  by: 'list',
  reason: allowed ? undefined : 'list',
  limit: undefined,
  remaining: undefined,
  retryAfter: allowed ? 0 : -1,
  duration: 0,
});
