import { algorithmOf } from '../../../../core/algorithms/index.js';
import type { Policy } from '../../../../core/policy.js';

/** How much of a batch a hit takes. A block is read beside the quota. */
export const weightOf = ({ algorithm, blocks }: Policy): number => algorithmOf(algorithm).weight + (blocks ? 1 : 0);
