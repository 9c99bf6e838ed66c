import { hasSlots } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { DecisionEvent, DenialReason } from '../../core/observer.js';

/**
 * The decisions of a request as they are reported.
 *
 * @param duration in milliseconds
 */
export function eventsOf(hits: readonly Hit[], decisions: readonly Decision[], duration: number): DecisionEvent[] {
  let passed = true;
  for (let i = 0; i < decisions.length; i++) if (!decisions[i]!.allowed) passed = false;
  const events: DecisionEvent[] = [];
  for (let i = 0; i < decisions.length; i++) events.push(eventOf(hits[i]!, decisions[i]!, passed, duration));
  return events;
}

/**
 * A decision as it is reported. Of a policy in shadow: what it would have decided.
 *
 * @param isPassed whether all enforced hits of the request passed
 */
export function eventOf(
  { policy, key, cost }: Hit,
  given: Decision,
  isPassed: boolean,
  duration: number,
): DecisionEvent {
  const decision = given.shadow ?? given;
  const isListed = decision.by === 'list';
  return {
    policy: policy.name,
    key,
    cost,
    allowed: decision.allowed,
    passed: isPassed && decision.allowed,
    shadow: given.shadow !== undefined,
    by: decision.by,
    reason: decision.allowed ? undefined : reasonOf(hasSlots(policy), decision),
    limit: isListed ? undefined : decision.limit,
    remaining: isListed ? undefined : decision.remaining,
    retryAfter: decision.retryAfter,
    duration,
  };
}

function reasonOf(isOfSlots: boolean, { by, retryAfter, blockedFor }: Decision): DenialReason {
  if (by === 'list') return 'list';
  if (retryAfter === -1) return 'never';
  if (blockedFor !== undefined) return 'blocked';
  return isOfSlots ? 'concurrency' : 'limit';
}
