import type { Decision } from '../../../../core/decision.js';
import type { Policy } from '../../../../core/policy.js';
import { FRAME } from '../frame.js';
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
