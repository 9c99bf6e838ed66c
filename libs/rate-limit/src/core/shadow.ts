import type { Decision } from './decision.js';
import type { Policy } from './policy.js';

/** Whether a policy only counts and reports. */
export const isInShadow = ({ mode }: Policy): boolean => mode === 'shadow';

/** The answer to a hit in shadow: it passes, whatever the policy decided. */
export const inShadow = (decision: Decision): Decision => {
  const { limit, remaining, resetAfter, by } = decision;
  return { allowed: true, limit, remaining, resetAfter, retryAfter: 0, by, shadow: decision };
};

/** The answer to a hit in shadow that was not judged. */
export function unjudged({ limit }: Policy): Decision {
  return inShadow({ allowed: true, limit, remaining: limit, resetAfter: 0, retryAfter: 0, by: 'open' });
}

/** Whether a hit was charged. A hit in shadow that would have been denied passes and is not charged. */
export const hasTaken = ({ shadow, by }: Decision): boolean =>
  (by === 'store' || by === 'local') && shadow?.allowed !== false;

/** The ids under which memory keeps the blocks of a policy: those that it enforces, and those in shadow. */
export const allBlocksIdsOf = (id: string): readonly [blocks: string, inShadow: string] => [id, `${id}:shadow`];

/** The id for the policy's mode. Otherwise blocks in shadow would deny callers when the policy starts to enforce. */
export const blocksIdOf = (policy: Policy): string => allBlocksIdsOf(policy.id)[isInShadow(policy) ? 1 : 0];
