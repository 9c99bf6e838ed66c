import type { Decider } from '../../core/decision.js';
import { isStoreUnavailable } from '../../core/errors.js';
import { definePolicy } from '../../core/policy.js';
import { saidBy } from '../../core/shown.js';
import type { LimiterParts } from '../limiter-parts.js';

/** Whether the store answers, and who decides. */
export interface LimiterHealth {
  /** Whether the store answered in time. */
  readonly isAvailable: boolean;
  /**
   * Who decides about requests now, unless a policy's own `onStoreFailure` says something else. `closed`: nobody, and
   * requests are refused with 503.
   */
  readonly by: Decider | 'closed';
  /** How long the answer took, in milliseconds. */
  readonly duration: number;
  /** Why there was no answer, without passwords; absent if there was one. */
  readonly problem?: string;
}

/** Only read, never charged, so nothing is stored under it. `closed`: nothing may answer in place of the store. */
const probe = definePolicy({ name: 'health', limit: 1, window: '1s', onStoreFailure: 'closed' });

/** Asks the store once. */
export async function healthOf({ unobserved, onStoreFailure }: LimiterParts): Promise<LimiterHealth> {
  const began = performance.now();
  try {
    const [look] = await unobserved.consume([{ policy: probe, key: 'health', cost: 0 }]);
    return { isAvailable: true, by: look!.by, duration: performance.now() - began };
  } catch (error) {
    const problem = isStoreUnavailable(error) ? error.detail : saidBy(error);
    return { isAvailable: false, by: onStoreFailure, duration: performance.now() - began, problem };
  }
}
