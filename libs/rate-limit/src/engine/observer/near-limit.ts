import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { NearLimitEvent } from '../../core/observer.js';

/**
 * The hits that crossed the `warnAt` of their policies. The decision alone shows it: less was used before the hit, and as
 * much or more is used now. So nothing is kept for each key.
 */
export function nearLimitOf(hits: readonly Hit[], decisions: readonly Decision[]): readonly NearLimitEvent[] {
  let near: NearLimitEvent[] | undefined;
  // A custom store may return too few, which must not fail here.
  for (let i = 0; i < Math.min(hits.length, decisions.length); i++) {
    const { policy, key, cost } = hits[i]!;
    if (policy.warnAt === undefined || cost <= 0) continue;
    const given = decisions[i]!;
    const { allowed, by, limit, remaining } = given.shadow ?? given;
    if (!allowed || (by !== 'store' && by !== 'local')) continue;
    const most = policy.burst;
    const line = policy.warnAt * most;
    const used = most - remaining;
    if (limit === 0 || used < line || used - cost >= line) continue;
    // Beside a denied hit, nothing was charged.
    if (!decisions.every((each) => each.allowed)) return [];
    (near ??= []).push({ policy: policy.name, key, most, remaining, shadow: given.shadow !== undefined });
  }
  return near ?? NONE;
}

const NONE: readonly NearLimitEvent[] = [];
