import { hasSlots } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { DecisionEvent, DenialReason } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';

/**
 * The decisions of a request as they are reported.
 *
 * @param duration in milliseconds
 */
export function eventsOf(hits: readonly Hit[], decisions: readonly Decision[], duration: number): DecisionEvent[] {
  const passed = havePassed(decisions);
  const events: DecisionEvent[] = [];
  for (let i = 0; i < decisions.length; i++) events.push(eventOf(hits[i]!, decisions[i]!, passed, duration));
  return events;
}

/** Whether all enforced hits of a request passed. */
export function havePassed(decisions: readonly Decision[]): boolean {
  for (let i = 0; i < decisions.length; i++) if (!decisions[i]!.allowed) return false;
  return true;
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
    reason: decision.allowed ? undefined : reasonOf(policy, decision),
    limit: isListed ? undefined : decision.limit,
    remaining: isListed ? undefined : decision.remaining,
    retryAfter: decision.retryAfter,
    duration,
  };
}

/** Why a hit was denied. */
export function reasonOf(policy: Policy, { by, retryAfter, blockedFor }: Decision): DenialReason {
  if (by === 'list') return 'list';
  if (retryAfter === -1) return 'never';
  if (blockedFor !== undefined) return 'blocked';
  return hasSlots(policy) ? 'concurrency' : 'limit';
}
