import type { LiveMode } from '../core/limit-book.js';
import type { RateLimitStore } from '../core/store.js';
import type { CataloguePolicy } from './catalogue.js';
import type { KnownKeys } from './identity/known-keys.js';
import type { LiveLimits, NamedLivePolicies } from './limits/live-limits.js';
import type { Lists } from './lists/lists.js';
import type { StoreAbilities } from './store-abilities.js';
import type { StoreFailureMode } from '../core/policy.js';
import type { DeniedMost } from './observer/denied-most/denied-most.js';
import type { SafeObserver } from './observer/safe-observer.js';
import type { WaitingRoom } from './waiting/waiting-room.js';

/** What a limiter is made of. */
export interface LimiterParts extends StoreAbilities {
  readonly store: RateLimitStore;
  /** The same without events. */
  readonly unobserved: RateLimitStore;
  /** Where quota is kept, as a sentence for people. */
  readonly kept: () => string;
  readonly catalogue: NamedLivePolicies & {
    readonly names: readonly string[];
    get(name: string): CataloguePolicy | undefined;
  };
  readonly lists: Lists | undefined;
  /** The mode of policies without their own. */
  readonly mode: LiveMode;
  /** Who decides for policies that have no `onStoreFailure` of their own, while the store is away. */
  readonly onStoreFailure: StoreFailureMode;
  readonly limits: LiveLimits;
  readonly observer: SafeObserver;
  /** Who was denied most. */
  readonly deniedMost: DeniedMost;
  readonly keys: KnownKeys;
  /** The calls that wait. */
  readonly waiting: WaitingRoom;
  readonly warn: (message: string) => void;
  /** Turns away calls that wait, closes what was opened for it, and stops reading changed limits. */
  readonly close: () => Promise<void>;
}
