import { setImmediate as turn } from 'node:timers/promises';
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
  /** Functions that end what may go on for longer than this is open. They are called when it closes. */
  readonly parting = new Set<() => void>();
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

  /** Work that ends in a settlement: closing waits for it. It must not reject. */
  waitFor(work: Promise<void>): void {
    this.settlements.waitFor(work);
  }

  /** Ends all renewals. Waits for the settlements that were begun, for a second at most. You may call it again. */
  async close(): Promise<void> {
    // Responses that were just closed have not reported it yet.
    await turn();
    for (const part of [...this.parting]) part();
    await this.settlements.close();
    this.alarms.stop();
  }
}
