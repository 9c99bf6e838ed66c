import { algorithmOf } from '../../../../core/algorithms/index.js';
import type { HoldRequest } from '../../../../core/hit.js';
import type { Policy } from '../../../../core/policy.js';
import type { RunWriter } from '../command.js';

/**
 * Writes what lua/holds.lua needs of a hit.
 *
 * @param hold absent: the hit is not held
 * @param grace 'record', the hit's patience in ms, or ''
 */
export function writeHolding(
  run: RunWriter,
  policy: Policy,
  hold: HoldRequest | undefined,
  grace: string | number,
): void {
  if (!hold) {
    run.write('holding', '', '', '', '', policy.debt, grace);
    return;
  }
  // Kept for longer than it lasts, until its charge no longer counts, if it is to give back.
  const keep = hold.ttl + (hold.givesBack ? algorithmOf(policy.algorithm).longestLifetime(policy) : 0);
  run.write('holding', hold.ttl, keep, run.atLeast(keep), run.lifeOfHolds(policy), policy.debt, grace);
}
