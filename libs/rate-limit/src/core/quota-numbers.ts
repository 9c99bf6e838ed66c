import { algorithmOf, algorithmsThat, type AlgorithmName } from './algorithms/index.js';
import { RateLimitError } from './errors.js';
import { shown, shownNumber } from './shown.js';

/** The largest number that the draft's header fields can carry. */
export const LARGEST_LIMIT = 999_999_999_999_999;

/** @throws RateLimitError `RL_LIMIT_INVALID` */
export function checkLimit(limit: unknown): asserts limit is number {
  if (Number.isSafeInteger(limit) && (limit as number) >= 0 && (limit as number) <= LARGEST_LIMIT) return;
  throw new RateLimitError(
    'RL_LIMIT_INVALID',
    `limit must be a whole number from 0 to ${LARGEST_LIMIT}, got ${shownNumber(limit)}`,
  );
}

/** @throws RateLimitError `RL_BURST_INVALID` */
export function burstOf(burst: number | undefined, limit: number, algorithm: AlgorithmName): number {
  const { defaultBurst } = algorithmOf(algorithm);
  if (burst === undefined) return typeof defaultBurst === 'number' ? defaultBurst : limit;
  if (defaultBurst === undefined) {
    throw new RateLimitError(
      'RL_BURST_INVALID',
      `${algorithm} takes no burst (its burst is its limit), got ${shown(burst)}; leave it out, or use ${algorithmsThat((other) => other.defaultBurst !== undefined)}`,
    );
  }
  if (Number.isSafeInteger(burst) && burst >= 1 && burst <= LARGEST_LIMIT) return burst;
  throw new RateLimitError(
    'RL_BURST_INVALID',
    `burst must be a whole number of units, at least 1, got ${shownNumber(burst)}`,
  );
}

/**
 * @param most how much debt can be counted exactly
 * @throws RateLimitError `RL_DEBT_INVALID`, `RL_PRECISION`
 */
export function debtOf(debt: number | undefined, limit: number, most: number): number {
  if (debt === undefined) return Math.max(0, Math.min(limit, most));
  if (!Number.isSafeInteger(debt) || debt < 0 || debt > LARGEST_LIMIT) {
    throw new RateLimitError(
      'RL_DEBT_INVALID',
      `debt must be a whole number of units from 0 to ${LARGEST_LIMIT}, got ${shownNumber(debt)}`,
    );
  }
  if (debt <= most) return debt;
  throw new RateLimitError(
    'RL_PRECISION',
    `a debt of ${debt} is more than can be counted exactly in this window; use at most ${most}, or a shorter window`,
  );
}

/** @throws RateLimitError `RL_WARN_AT_INVALID` */
export function checkWarnAt(warnAt: unknown, algorithm: AlgorithmName, burst: number): void {
  if (typeof warnAt !== 'number' || !(warnAt > 0 && warnAt < 1)) {
    throw new RateLimitError(
      'RL_WARN_AT_INVALID',
      `warnAt must be a part of the limit, above 0 and below 1, like 0.8, got ${shown(warnAt)}`,
    );
  }
  // Every request would cross it.
  if (algorithm !== 'gcra' || burst > 1) return;
  throw new RateLimitError(
    'RL_WARN_AT_INVALID',
    `warnAt has no use for gcra with a burst of 1, which each request uses up; give it a larger burst, or leave warnAt out`,
  );
}
