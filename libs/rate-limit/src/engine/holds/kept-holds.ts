import { setImmediate as turn } from 'node:timers/promises';
import { holding, type Held, type HoldingStore } from '../../core/holds/holding-store.js';
import type { RateLimitStore } from '../../core/store.js';
import { Alarms } from './alarms.js';
import { KeptHold, type Keeping, type Surroundings } from './kept-hold.js';
import { Settlements, type SettlementsSettings } from './settlements.js';

/** What {@link KeptHolds} takes beside the store. */
export interface KeptHoldsSettings extends Omit<SettlementsSettings, 'store'> {
  /** For tests. */
  readonly alarms?: Alarms;
}

/** The open holds of this process: renews their leases and settles them, also while the store is away for a moment. */
export class KeptHolds {
  /** Functions that end what may go on for longer than this is open. They are called when it closes. */
  readonly parting = new Set<() => void>();
  private readonly shared: Surroundings;

  constructor(store: RateLimitStore, { alarms = new Alarms(), ...settings }: KeptHoldsSettings) {
    let known: HoldingStore | undefined;
    const asked = () => (known ??= holding(store));
    const { observer } = settings;
    this.shared = {
      alarms,
      settlements: new Settlements(alarms, { ...settings, store: asked }),
      observer,
      store: asked,
    };
  }

  /** The time now, for {@link Keeping.sentAt}. */
  now(): number {
    return this.shared.alarms.now();
  }

  /** Keeps what a request holds until it is settled. */
  keep(helds: readonly Held[], keeping: Keeping): KeptHold {
    return new KeptHold(helds, keeping, this.shared);
  }

  /** Work that ends in a settlement: closing waits for it. It must not reject. */
  waitFor(work: Promise<void>): void {
    this.shared.settlements.waitFor(work);
  }

  /** Ends all renewals. Waits for the settlements that were begun, for a second at most. You may call it again. */
  async close(): Promise<void> {
    // A response that closes in this turn reports that in the next one, perhaps after the first of these.
    await turn();
    await turn();
    for (const part of [...this.parting]) part();
    await this.shared.settlements.close();
    this.shared.alarms.stop();
  }
}
