import type { BlockEvent } from '../observer.js';
import type { Policy } from '../policy.js';
import { isInShadow } from '../shadow.js';

/**
 * The event of a block that a denial began.
 *
 * @param span how long the block lasts, in milliseconds
 */
export const blockBegun = (policy: Policy, key: string, span: number): BlockEvent => ({
  policy: policy.name,
  key,
  span,
  by: 'denial',
  shadow: isInShadow(policy),
});
