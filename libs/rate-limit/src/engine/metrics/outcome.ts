import type { DecisionEvent, DenialReason } from '../../core/observer.js';

/** What became of a hit, as metrics and traces say it. */
export type Outcome = 'allowed' | 'denied' | 'shadow_denied' | 'bypassed';

/** Why a hit was denied. `other_policy`: it would have passed, but another hit of its request was denied. */
export type OutcomeReason = DenialReason | 'other_policy';

/** The part of an event that says what became of its hit. */
export type Judged = Pick<DecisionEvent, 'allowed' | 'passed' | 'shadow' | 'by'>;

export function outcomeOf({ allowed, passed, shadow, by }: Judged): Outcome {
  if (!allowed) return shadow ? 'shadow_denied' : 'denied';
  if (!passed) return 'denied';
  return by === 'list' ? 'bypassed' : 'allowed';
}

export const outcomeReasonOf = ({ allowed, passed, reason }: DecisionEvent): OutcomeReason | undefined =>
  allowed && !passed ? 'other_policy' : reason;

/** The policy of decisions by lists of the limiter or the module, which are about all policies. */
export const ALL_POLICIES = 'all';
