import { KnownKeys } from '../../engine/identity/known-keys.js';
import type { Plans } from '../plan/plans.js';
import type { RateLimitSettings } from '../settings.js';
import type { Rule } from '../plan/rule.js';
import type { Schemes } from '../../engine/identity/key-schemes.js';

/** Learns the keys of requests from the policies of handlers. Policies that no handler uses may have any keys. */
export function knownKeys(plans: Plans, { keys, logger }: RateLimitSettings): KnownKeys {
  const known = new KnownKeys(keys.ipv6Prefix, (message) => logger.warn(message));
  for (const { controller, name } of plans.routes) {
    for (const rule of plans.for(controller, name).all)
      if (!rule.isUnnamed && !rule.isPerHandler) known.learn(rule.name, schemesOf(rule));
  }
  return known;
}

/** The schemes of a rule's keys. A lookup may return any key. */
export const schemesOf = ({ source, use }: Rule): Schemes => (source.varies === 'all' ? undefined : use.key?.schemes);
