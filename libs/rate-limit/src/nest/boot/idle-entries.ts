import { oneLine } from '../../core/shown.js';
import { eitherOf, isUnder, schemeOf } from '../../engine/identity/key-schemes.js';
import type { Lists } from '../../engine/lists/lists.js';
import type { Plans } from '../plan/plans.js';
import type { Rule } from '../plan/rule.js';
import type { RateLimitSettings } from '../settings.js';
import { schemesOf } from './known-keys.js';

/**
 * Schemes of keys that a list matches only if a policy counts by them. Addresses and API keys are checked on every
 * request.
 */
const FOUND_BY_POLICIES = /^(user|tenant|header\..+)$/;

const MOST_SHOWN = 3;

/**
 * Warns about list entries that match no request, because no policy that the list applies to counts by such keys. It is
 * not an error, because code without a request may use these keys.
 */
export function warnOfIdleEntries(plans: Plans, { lists, logger }: RateLimitSettings): void {
  const rules = plans.routes.flatMap(({ controller, name }) => plans.for(controller, name).all);
  if (rules.length === 0) return;
  const tell = (place: string, own: Lists, uses: readonly Rule[]): void => {
    const idle = idleEntries(own, uses);
    if (idle.length === 0) return;
    const more = idle.length > MOST_SHOWN ? ` and ${idle.length - MOST_SHOWN} more` : '';
    logger.warn(
      `${place}: allow or deny names ${idle.slice(0, MOST_SHOWN).map(oneLine).join(', ')}${more}, but no policy there ` +
        `counts by such a key, so these entries match no request. Use a policy with '${schemeOf(idle[0]!)}:…' keys there, or ` +
        'list addresses or API keys.',
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
