import { holding, type Held, type HoldingStore } from '../../core/holds/holding-store.js';
import type { RateLimitStore } from '../../core/store.js';
import { Alarms } from './alarms.js';
import { KeptHold, type Keeping } from './kept-hold.js';
import { Settlements } from './settlements.js';

/** What {@link KeptHolds} takes beside the store. */
export interface KeptHoldsSettings {
  readonly warn: (message: string) => void;
  /** For tests. */
  readonly alarms?: Alarms;
  /** The most settlements that wait for the store. Default 10,000. */
  readonly most?: number;
}

/** The open holds of this process: renews their leases and settles them, also while the store is away for a moment. */
export class KeptHolds {
  private readonly alarms: Alarms;
  private readonly settlements: Settlements;
  private readonly store: () => HoldingStore;

  constructor(store: RateLimitStore, { warn, alarms = new Alarms(), most }: KeptHoldsSettings) {
    this.alarms = alarms;
    let known: HoldingStore | undefined;
    this.store = () => (known ??= holding(store));
    this.settlements = new Settlements(alarms, { store: this.store, warn, most });
  }

  /** The time now, for {@link Keeping.sentAt}. */
  now(): number {
    return this.alarms.now();
  }

  /** Keeps what a request holds until it is settled. */
  keep(helds: readonly Held[], keeping: Keeping): KeptHold {
    return new KeptHold(helds, keeping, { alarms: this.alarms, settlements: this.settlements, store: this.store });
  }

  /** Ends all renewals. Waits for the settlements that were begun, for a second at most. You may call it again. */
  async close(): Promise<void> {
    await this.settlements.close();
    this.alarms.stop();
  }
}
