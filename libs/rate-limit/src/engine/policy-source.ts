import type { Policy } from '../core/policy.js';

/**
 * Where the numbers of a policy come from: its definition and changes at run time, a function of the call, or a lookup.
 */
export interface PolicySource<Call = never> {
  /** What a call may change: nothing, the limit, or all of the numbers. */
  readonly varies: 'never' | 'limit' | 'all';
  /** The policy with its definition's numbers. If the limit varies, it is 1 here, in place of any limit. */
  readonly own: Policy;
  /**
   * The policy that judges a call.
   *
   * @param key the caller that pays
   */
  for(call: Call, key: string): Policy | Promise<Policy>;
}
