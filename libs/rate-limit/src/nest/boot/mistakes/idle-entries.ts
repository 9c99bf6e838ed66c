import { few, oneLine } from '../../../core/shown.js';
import { eitherOf, isUnder, schemeOf } from '../../../engine/identity/key-schemes.js';
import type { List } from '../../../engine/lists/list.js';
import type { Lists } from '../../../engine/lists/lists.js';
import type { Plans } from '../../plan/plans.js';
import type { Rule } from '../../plan/rule.js';
import type { RateLimitSettings } from '../../settings.js';
import { schemesOf } from '../keys-of-requests.js';
import { FOUND_BY_POLICIES } from '../summary/list-lines.js';

/**
 * Warns of list entries that are on no request, because no policy in reach of the list counts by such keys. It is no error:
 * code without a request may have them in mind. Policies may share a list: it is one warning for all of them.
 */
export function warnOfIdleEntries(plans: Plans, { lists, logger }: RateLimitSettings): void {
  const rules = plans.routes.flatMap((route) => plans.for(route).all);
  if (rules.length === 0) return;
  const placesOf = new Map<string, string[]>();
  const note = (place: string, own: Lists, uses: readonly Rule[], which: string): void => {
    for (const list of ['allow', 'deny'] as const) {
      for (const text of idleTexts(own[list], list, uses, which))
        placesOf.set(text, [...(placesOf.get(text) ?? []), place]);
    }
  };
  if (lists) note('RateLimitModule', lists, rules, 'no policy counts');
  const usesOf = new Map<Lists, Rule[]>();
  for (const rule of rules) if (rule.lists) usesOf.set(rule.lists, [...(usesOf.get(rule.lists) ?? []), rule]);
  for (const [own, uses] of usesOf) note(oneLine(uses[0]!.name), own, uses, 'the policy does not count');
  for (const [text, places] of placesOf) logger.warn(`${few([...new Set(places)])}: ${text}`);
}

/** One for each kind of key that no policy counts by. */
function idleTexts(list: List | undefined, name: 'allow' | 'deny', rules: readonly Rule[], which: string): string[] {
  const schemes = eitherOf(rules.map(schemesOf));
  if (!list || !schemes) return [];
  const idle = new Map<string, string[]>();
  for (const key of list.keys) {
    const scheme = schemeOf(key) ?? '';
    if (!FOUND_BY_POLICIES.test(scheme) || isUnder(schemes, key)) continue;
    idle.set(scheme, [...(idle.get(scheme) ?? []), oneLine(key)]);
  }
  return [...idle].map(([scheme, keys]) => {
    const [resolver, what] = resolverOf(scheme);
    const effect = name === 'deny' ? 'refuses nobody' : 'exempts nobody';
    return `${name}: ${few(keys)} ${effect}, because ${which} by ${what}. Use key: ${resolver}, or list addresses or API keys.`;
  });
}

function resolverOf(scheme: string): readonly [resolver: string, what: string] {
  if (scheme === 'user') return ['byUser', 'user'];
  if (scheme === 'tenant') return ['byTenant', 'tenant'];
  const header = scheme.slice('header.'.length);
  return [`byHeader('${header}')`, `the header ${header}`];
}
