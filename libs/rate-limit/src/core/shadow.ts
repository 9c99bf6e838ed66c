import type { Decision } from './decision.js';
import type { Policy } from './policy.js';

/** Whether a policy counts and reports, and denies nobody. */
export const isInShadow = ({ mode }: Policy): boolean => mode === 'shadow';

/** The answer to a hit in shadow: it passes, whatever the policy decided. */
export const inShadow = (decision: Decision): Decision => {
  const { limit, remaining, resetAfter, by } = decision;
  return { allowed: true, limit, remaining, resetAfter, retryAfter: 0, by, shadow: decision };
};

/** The answer to a hit in shadow that nothing judged. */
export function unjudged({ limit }: Policy): Decision {
  return inShadow({ allowed: true, limit, remaining: limit, resetAfter: 0, retryAfter: 0, by: 'open' });
}

/** Whether a decision took something that is held: a hit in shadow may have been denied, although its request passes. */
export const hasTaken = ({ shadow, by }: Decision): boolean =>
  (by === 'store' || by === 'local') && shadow?.allowed !== false;

/** What the blocks of a policy are kept under, by its id: when it enforces, and in shadow. */
export const allBlocksIdsOf = (id: string): readonly [blocks: string, inShadow: string] => [id, `${id}:shadow`];

/** The same in its mode. Old blocks of the shadow must not stand when the policy enforces. */
export const blocksIdOf = (policy: Policy): string => allBlocksIdsOf(policy.id)[isInShadow(policy) ? 1 : 0];
