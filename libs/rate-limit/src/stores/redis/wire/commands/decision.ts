import type { Decision } from '../../../../core/decision.js';
import type { Policy } from '../../../../core/policy.js';
import { FRAME, GUESS } from '../frame.js';
import type { Reply } from '../reply.js';

const { remaining, resetAfter, retryAfter, LENGTH } = FRAME.decision;

/** Reads the decision about one hit. */
export function readDecision({ limit }: Policy, reply: Reply): Decision {
  const wait = reply.numberAt(retryAfter);
  const decision: Decision = {
    allowed: wait === 0,
    limit,
    remaining: reply.numberAt(remaining),
    resetAfter: reply.numberAt(resetAfter),
    retryAfter: wait,
    by: 'store',
  };
  reply.skip(LENGTH);
  return decision;
}

/** Reads what stands beside a decision: whether its wait is a guess, or when a hit that is charged ahead of time starts. */
export function readAside(decision: Decision, reply: Reply): Decision {
  const aside = reply.numberAt(FRAME.aside.aside);
  reply.skip(FRAME.aside.LENGTH);
  if (aside === 0) return decision;
  return aside === GUESS ? { ...decision, isGuess: true } : { ...decision, startsIn: aside };
}
