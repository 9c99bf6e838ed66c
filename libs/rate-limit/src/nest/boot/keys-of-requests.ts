import { KnownKeys } from '../../engine/identity/known-keys.js';
import { LivePolicy } from '../../engine/limits/live-policy.js';
import { hasOwnQuota } from '../plan/own-quotas.js';
import type { Plans } from '../plan/plans.js';
import type { RateLimitSettings } from '../settings.js';
import type { Rule } from '../plan/rule.js';
import type { Schemes } from '../../engine/identity/key-schemes.js';

/**
 * What the policies of handlers say of the keys of requests. Of a policy that no handler has, code chooses the keys; and a
 * policy's name names the quota that handlers share, not one that a handler has for itself.
 */
export function knownKeys(plans: Plans, { keys, logger }: RateLimitSettings): KnownKeys {
  const known = new KnownKeys(keys.ipv6Prefix, (message) => logger.warn(message));
  for (const route of plans.routes) {
    for (const rule of plans.for(route).all) {
      if (rule.isUnnamed) continue;
      if (!hasOwnQuota(rule)) known.learn(rule.name, schemesOf(rule));
      else known.learnOwnQuota(rule.name, rule.source instanceof LivePolicy && rule.source.isFollower);
    }
  }
  return known;
}

/** The schemes of a rule's keys. A lookup may return any key. */
export const schemesOf = ({ source, use }: Rule): Schemes => (source.varies === 'all' ? undefined : use.key?.schemes);
