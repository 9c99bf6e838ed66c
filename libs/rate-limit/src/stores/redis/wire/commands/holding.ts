import { algorithmOf } from '../../../../core/algorithms/index.js';
import type { Hit } from '../../../../core/hit.js';
import { considersHolds } from '../../../../core/judge-all.js';
import type { RunWriter } from '../command.js';

/** Writes what lua/claims.lua reads of a hit. */
export function writeHolding(run: RunWriter, hit: Hit): void {
  const { policy, hold, patience } = hit;
  const grace = policy.mode === 'record' ? 'record' : (patience ?? '');
  if (!hold) {
    run.write('holding', considersHolds(hit) ? ONLY_CONSIDERED : '', '', '', '', policy.debt, grace);
    return;
  }
  // Kept for longer than it lasts, until its charge no longer counts, if it is to give back.
  const keep = hold.ttl + (hold.givesBack ? algorithmOf(policy.algorithm).longestLifetime(policy) : 0);
  run.write('holding', hold.ttl, keep, run.atLeast(keep), run.lifeOfHolds(policy), policy.debt, grace);
}

/** In place of a ttl: the hit holds nothing, but what others hold matters to its denial. */
const ONLY_CONSIDERED = '-';
