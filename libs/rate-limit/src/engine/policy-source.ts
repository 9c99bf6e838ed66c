import type { Policy } from '../core/policy.js';

/**
 * Where the numbers of a policy come from: its definition and what was set at run time, a function of the call, or a
 * lookup.
 */
export interface PolicySource<Call = never> {
  /** What a call may change: nothing, the limit, or all of the numbers. */
  readonly varies: 'never' | 'limit' | 'all';
  /** The policy by the numbers of its definition. Where the limit varies, its limit is 1 and stands for any. */
  readonly own: Policy;
  /**
   * The policy that a call is judged by.
   *
   * @param key who pays
   */
  for(call: Call, key: string): Policy | Promise<Policy>;
}
