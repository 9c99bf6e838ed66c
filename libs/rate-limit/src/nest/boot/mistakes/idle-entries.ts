import { few, oneLine } from '../../../core/shown.js';
import { eitherOf, isUnder, schemeOf } from '../../../engine/identity/key-schemes.js';
import type { Lists } from '../../../engine/lists/lists.js';
import type { Plans } from '../../plan/plans.js';
import type { Rule } from '../../plan/rule.js';
import type { RateLimitSettings } from '../../settings.js';
import { schemesOf } from '../keys-of-requests.js';

/** Schemes of keys that are found only where a policy counts by them. Addresses and API keys are found on every request. */
const FOUND_BY_POLICIES = /^(user|tenant|header\..+)$/;

/**
 * Warns of list entries that are on no request, because no policy in reach of the list counts by such keys. It is no error:
 * code without a request may have them in mind.
 */
export function warnOfIdleEntries(plans: Plans, { lists, logger }: RateLimitSettings): void {
  const rules = plans.routes.flatMap((route) => plans.for(route).all);
  if (rules.length === 0) return;
  const tell = (place: string, own: Lists, uses: readonly Rule[]): void => {
    const idle = idleEntries(own, uses);
    if (idle.length === 0) return;
    logger.warn(
      `${place}: allow or deny names ${few(idle.map(oneLine))}, but no policy there ` +
        `counts by such a key, so no request is ever on that list by it. Count by '${schemeOf(idle[0]!)}' there, or ` +
        'name addresses or API keys.',
    );
  };
  if (lists) tell('RateLimitModule', lists, rules);
  const usesOf = new Map<Lists, Rule[]>();
  for (const rule of rules) if (rule.lists) usesOf.set(rule.lists, [...(usesOf.get(rule.lists) ?? []), rule]);
  for (const [own, uses] of usesOf) tell(uses[0]!.name, own, uses);
}

function idleEntries({ allow, deny }: Lists, rules: readonly Rule[]): string[] {
  const schemes = eitherOf(rules.map(schemesOf));
  if (!schemes) return [];
  return [...(allow?.keys ?? []), ...(deny?.keys ?? [])].filter(
    (key) => FOUND_BY_POLICIES.test(schemeOf(key) ?? '') && !isUnder(schemes, key),
  );
}
