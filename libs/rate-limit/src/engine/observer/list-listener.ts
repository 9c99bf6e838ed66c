import type { SafeObserver } from './logging-observer.js';

/**
 * Called when a list decides about a caller before any policy is judged.
 *
 * @param policy the policy that the list belongs to; `undefined`: a list of the limiter
 * @param key the address or key that the list names
 */
export type ListListener = (policy: string | undefined, key: string, verdict: 'allow' | 'deny') => void;

/** Reports the decisions of lists; `undefined` if no observer listens. */
export const listListenerOf = ({ decided }: SafeObserver): ListListener | undefined =>
  decided &&
  ((policy, key, verdict) =>
    decided({
      policy,
      key,
      cost: 0,
      allowed: verdict === 'allow',
      passed: verdict === 'allow',
      by: 'list',
      reason: verdict === 'deny' ? 'list' : undefined,
      remaining: undefined,
      retryAfter: verdict === 'deny' ? -1 : 0,
      duration: 0,
    }));
