import { few, shown } from '../../../core/shown.js';
import { placeOf } from '../../plan/routes.js';
import type { Plans } from '../../plan/plans.js';
import type { RateLimitSettings } from '../../settings.js';

/** Warns about policies that settle what a call used, but reserve next to nothing before: then parallel calls pass. */
export function warnOfEstimates(plans: Plans, { logger }: RateLimitSettings): void {
  const places = new Map<string, Set<string>>();
  for (const route of plans.routes) {
    for (const { name, use } of plans.for(route).all) {
      if (use.settle === undefined || (use.cost !== 0 && use.cost !== 1)) continue;
      const what = `${shown(name)} (cost ${use.cost})`;
      places.set(what, (places.get(what) ?? new Set()).add(placeOf(route)));
    }
  }
  for (const [what, where] of places) {
    logger.warn(
      `${few([...where])}: the policy ${what} has settle, but reserves next to nothing before a call, so calls that begin at the ` +
        'same time all pass. Give it a cost: what most calls use.',
    );
  }
}
