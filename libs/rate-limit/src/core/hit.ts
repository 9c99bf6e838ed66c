import { algorithmOf } from './algorithms/index.js';
import { RateLimitError } from './errors.js';
import { checkHoldRequest, type HoldRequest } from './holds/hold-request.js';
import { isChecked, type Policy } from './policy.js';
import { shown, shownNumber } from './shown.js';

/** One request's claim on one policy. */
export interface Hit {
  /** What `definePolicy()` returned. Copies of it are refused. */
  readonly policy: Policy;
  /** The partition that pays: `ip:203.0.113.7`, `user:42`. Any text. */
  readonly key: string;
  /** Quota units, a whole number: 0 only looks, a negative one gives back. */
  readonly cost: number;
  /** Holds the charge, for `settle()` of a `HoldingStore`. Every hit under `concurrency` needs it, with a cost of 1. */
  readonly hold?: HoldRequest | undefined;
  /**
   * In milliseconds: a hit that passes within this time is charged now, ahead of time. Its decision says when it starts
   * (`startsIn`). For algorithms without a `burst` it must be 0. A hit with patience, also with 0, begins no block.
   */
  readonly patience?: number | undefined;
}

/**
 * Throws unless `hits` is well-formed. Every store calls this first, before it charges anything.
 *
 * @throws RateLimitError `RL_HIT_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_COST_INVALID`, `RL_HOLD_INVALID`,
 *   `RL_PATIENCE_INVALID`
 */
export function checkHits(hits: readonly Hit[]): void {
  if (!Array.isArray(hits)) throw new RateLimitError('RL_HIT_INVALID', `hits must be a list, got ${shown(hits)}`);
  for (const hit of hits as readonly Hit[]) {
    if (typeof hit !== 'object' || hit === null) {
      throw new RateLimitError('RL_HIT_INVALID', `a hit must be { policy, key, cost }, got ${shown(hit)}`);
    }
    const { policy, key, cost } = hit;
    if (!isChecked(policy)) {
      throw new RateLimitError(
        'RL_POLICY_INVALID',
        `a hit's policy must come from definePolicy(), got ${shown(policy)}`,
      );
    }
    if (typeof key !== 'string') {
      throw new RateLimitError('RL_KEY_INVALID', `${policy.name}: a key must be a string, got ${shown(key)}`);
    }
    if (!Number.isSafeInteger(cost)) {
      throw new RateLimitError(
        'RL_COST_INVALID',
        `${policy.name}: a cost must be a whole number, got ${shownNumber(cost)}`,
      );
    }
    checkHold(hit);
  }
}

/** Whether nothing about a hit is special: it is charged, and its policy neither blocks, holds nor records. */
export const isPlain = ({ policy, hold, patience }: Hit): boolean =>
  policy.isPlain && hold === undefined && patience === undefined;

/** @throws RateLimitError `RL_HOLD_INVALID`, `RL_COST_INVALID`, `RL_PATIENCE_INVALID` */
function checkHold({ policy, cost, hold, patience }: Hit): void {
  const { countsHolds, defaultBurst } = algorithmOf(policy.algorithm);
  if (countsHolds && (cost < 0 || cost > 1)) {
    throw new RateLimitError(
      'RL_COST_INVALID',
      `${policy.name}: concurrency counts requests, so a cost must be 1, or 0 to look, got ${shownNumber(cost)}`,
    );
  }
  if (hold !== undefined) checkHoldRequest(hold, policy, cost);
  else if (countsHolds && cost > 0) {
    throw new RateLimitError(
      'RL_HOLD_INVALID',
      `${policy.name}: concurrency counts requests that have not ended; use reserve(), and settle or release its hold when the work has ended`,
    );
  }
  if (patience === undefined) return;
  if (!Number.isSafeInteger(patience) || patience < 0 || (patience > 0 && defaultBurst === undefined)) {
    throw new RateLimitError(
      'RL_PATIENCE_INVALID',
      `${policy.name}: patience must be a whole number of ms, and 0 for an algorithm without a burst, got ${shownNumber(patience)} for ${policy.algorithm}`,
    );
  }
}
