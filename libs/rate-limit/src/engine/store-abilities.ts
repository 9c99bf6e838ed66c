import { hasSlots } from '../core/algorithms/index.js';
import { isBlocking, withoutBlocks } from '../core/blocks/blocking-store.js';
import { isHolding, withoutHolds } from '../core/holds/holding-store.js';
import type { Policy } from '../core/policy.js';
import type { RateLimitStore } from '../core/store.js';

/** What a store can do beside charging. */
export interface StoreAbilities {
  /** Whether the store can block. */
  readonly canBlock: boolean;
  /** Whether the store can hold. */
  readonly canHold: boolean;
}

/** What the store of these options can do. Without a custom store: everything. */
export const abilitiesOf = ({ store }: { store?: RateLimitStore | undefined }): StoreAbilities => ({
  canBlock: store === undefined || isBlocking(store),
  canHold: store === undefined || isHolding(store),
});

/** @throws RateLimitError `RL_STORE_WITHOUT_BLOCKS`, `RL_STORE_WITHOUT_HOLDS` for a policy that needs what the store lacks */
export function checkAbilities(policy: Policy, { canBlock, canHold }: StoreAbilities): void {
  if (policy.blocks && !canBlock) throw withoutBlocks();
  if (!canHold && (policy.mode === 'record' || hasSlots(policy))) throw withoutHolds();
}
