import { RateLimitError } from '../../core/errors.js';
import { shownNumber } from '../../core/shown.js';
import { canonicalRequestKey } from '../../engine/identity/ip-key.js';
import { textOf } from '../../engine/identity/key-text.js';
import type { Partition } from '../keys/key-resolver.js';

// Handles what functions of the application return: values or promises, valid or not.

/**
 * A key as text, with addresses as `byIp` writes them. A value without a stable text passes through: the store refuses
 * it.
 */
export function keyText(key: NonNullable<Partition>, ipv6Prefix: number): string {
  const text = textOf(key);
  return text === undefined ? (key as string) : canonicalRequestKey(text, ipv6Prefix);
}

/** @throws RateLimitError `RL_COST_INVALID`. A request never gives back, so only code may use a negative cost */
export function checkCost(cost: unknown, name: string): asserts cost is number {
  if (Number.isSafeInteger(cost) && (cost as number) >= 0) return;
  throw new RateLimitError(
    'RL_COST_INVALID',
    `${name}: cost must be a whole number, not negative, got ${shownNumber(cost)}`,
  );
}
