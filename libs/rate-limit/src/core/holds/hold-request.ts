import { hasSlots } from '../algorithms/index.js';
import { DAY } from '../duration.js';
import { RateLimitError } from '../errors.js';
import type { Policy } from '../policy.js';
import { shown, shownNumber } from '../shown.js';

/** Asks that what a hit is charged be held until the request ends. */
export interface HoldRequest {
  /**
   * Identifies the hold among those of its policy and key: 1 to 64 printable ASCII characters, no spaces. The hits of a
   * request may share it.
   */
  readonly id: string;
  /** How long the hold lasts unless it is renewed, in milliseconds: 1 to a day. */
  readonly ttl: number;
  /** Whether the charge is given back when the hold ends without being settled. Default: it is kept. */
  readonly givesBack?: boolean;
}

/** The longest that a hold lasts without being renewed, in milliseconds. */
export const LONGEST_HOLD = DAY;

/** @throws RateLimitError `RL_HOLD_INVALID`, `RL_COST_INVALID` */
export function checkHoldRequest(hold: unknown, policy: Policy, cost: number): void {
  const { id, ttl } = (typeof hold === 'object' && hold !== null ? hold : {}) as Partial<HoldRequest>;
  checkHoldId(id, policy);
  checkHoldTtl(ttl, policy);
  if (cost >= 0) return;
  throw new RateLimitError(
    'RL_COST_INVALID',
    `${policy.name}: what is held must not be negative, got ${shownNumber(cost)}`,
  );
}

/** @throws RateLimitError `RL_HOLD_INVALID` */
export function checkHoldId(id: unknown, { name }: Policy): asserts id is string {
  if (typeof id === 'string' && /^[\x21-\x7E]{1,64}$/.test(id)) return;
  throw new RateLimitError(
    'RL_HOLD_INVALID',
    `${name}: the id of a hold must be 1 to 64 printable ASCII characters without spaces, got ${shown(id)}`,
  );
}

/** @throws RateLimitError `RL_HOLD_INVALID` */
export function checkHoldTtl(ttl: unknown, policy: Policy): asserts ttl is number {
  const { name, lease } = policy;
  // A slot that lasts longer than the lease looks as if it were written while the clock had jumped.
  const most = hasSlots(policy) ? lease : LONGEST_HOLD;
  if (Number.isSafeInteger(ttl) && (ttl as number) >= 1 && (ttl as number) <= most) return;
  const why = most === lease ? "the policy's lease; renew it" : 'a day';
  throw new RateLimitError(
    'RL_HOLD_INVALID',
    `${name}: the ttl of a hold must be a whole number of ms from 1 to ${most} (${why}), got ${shownNumber(ttl)}`,
  );
}
