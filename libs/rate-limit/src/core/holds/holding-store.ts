import { RateLimitError } from '../errors.js';
import { isChecked, type Policy } from '../policy.js';
import { shown, shownNumber } from '../shown.js';
import type { RateLimitStore } from '../store.js';
import { checkHoldId, checkHoldTtl } from './hold-request.js';

/** Names one hold. */
export interface Held {
  /** The policy of its hit. */
  readonly policy: Policy;
  /** The key of its hit. */
  readonly key: string;
  /** As in the hit's `hold`. */
  readonly id: string;
  /** The units that it holds, if the caller knows. Stores ignore them. Wrappers use them to correct what they remember. */
  readonly units?: number | undefined;
}

/** A hold that is open, for operators. */
export interface OpenHold {
  /** As in the hit's `hold`. */
  readonly id: string;
  /** The units that are held. */
  readonly cost: number;
  /** How long until it ends by itself, in milliseconds. */
  readonly expiresIn: number;
}

/**
 * A store that can hold what a hit is charged until its request ends. Every sentence here is a test of `holdConformance`.
 *
 * - A hit with `hold` is charged like every hit. If the request is denied, nothing is held.
 * - A hold is settled once. Units above the estimate are always recorded, up to the policy's `debt` over its limit; units
 *   below it are given back. Both reach the window that was charged, or nothing if that is over. A bucket gets them now.
 * - A hold that is not settled in time keeps its charge; with `givesBack` the charge is given back when it is needed.
 * - Where a hit has a `hold`, or its policy has both `blockFor` and `considersHolds`: a denial that final charges alone
 *   would not have caused is a guess (`isGuess`). It begins no block, and its wait is a second at most.
 * - A block begins when a charge becomes final and nothing is left.
 * - Under `concurrency` a hold is a slot, and any settlement frees it.
 * - `reset` also ends the holds of its policy and key.
 */
export interface HoldingStore extends RateLimitStore {
  /**
   * Settles a hold: its charge becomes final, as if its hit had cost `cost`.
   *
   * @param cost the units that were really used: a whole number, not negative
   * @returns whether it was open until now. Otherwise nothing changes
   * @throws RateLimitError `RL_COST_INVALID`, `RL_HOLD_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   * @throws StoreUnavailableError without an answer in time. You may call it again: a hold is settled once
   */
  settle(held: Held, cost: number): Promise<boolean>;

  /**
   * Lets an open hold last for another `ttl` from now on, in milliseconds.
   *
   * @returns whether it is open
   */
  renew(held: Held, ttl: number): Promise<boolean>;

  /** The open holds of a policy and key, at most 1,000 of them. */
  holds(policy: Policy, key: string): Promise<OpenHold[]>;
}

/** The most open holds that are listed. */
export const MOST_LISTED = 1_000;

export function isHolding(store: RateLimitStore): store is HoldingStore {
  // Asked for each settlement, so without a list.
  const { settle, renew, holds } = store as Partial<HoldingStore>;
  return typeof settle === 'function' && typeof renew === 'function' && typeof holds === 'function';
}

/** @throws RateLimitError `RL_STORE_WITHOUT_HOLDS` */
export function holding(store: RateLimitStore): HoldingStore {
  if (isHolding(store)) return store;
  throw withoutHolds();
}

export const withoutHolds = (): RateLimitError =>
  new RateLimitError(
    'RL_STORE_WITHOUT_HOLDS',
    "count, settle, reserve(), charge(), concurrency and mode: 'record' need a store with settle(), renew() and holds(), which your store lacks; implement HoldingStore, or leave them out",
  );

/** @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_HOLD_INVALID` */
export function checkHeld({ policy, key, id }: Held): void {
  if (!isChecked(policy)) {
    throw new RateLimitError(
      'RL_POLICY_INVALID',
      `a hold's policy must come from definePolicy(), got ${shown(policy)}`,
    );
  }
  if (typeof key !== 'string') {
    throw new RateLimitError('RL_KEY_INVALID', `${policy.name}: a key must be a string, got ${shown(key)}`);
  }
  checkHoldId(id, policy);
}

/** @throws RateLimitError `RL_COST_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_HOLD_INVALID` */
export function checkSettlement(held: Held, cost: unknown): asserts cost is number {
  checkHeld(held);
  if (Number.isSafeInteger(cost) && (cost as number) >= 0) return;
  throw new RateLimitError(
    'RL_COST_INVALID',
    `${held.policy.name}: a hold is settled with a whole number of units, not negative, got ${shownNumber(cost)}`,
  );
}

/** @throws RateLimitError `RL_HOLD_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID` */
export function checkRenewal(held: Held, ttl: unknown): asserts ttl is number {
  checkHeld(held);
  checkHoldTtl(ttl, held.policy);
}
