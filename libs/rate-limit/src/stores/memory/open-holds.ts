import type { HeldUnits, Holds } from '../../core/holds/held-units.js';
import type { Policy } from '../../core/policy.js';
import type { EntriesInUse } from './entries-in-use.js';
import { Tables } from './tables.js';

/** The open holds of each policy and key: one entry for all of them. */
export class OpenHolds {
  private readonly tables: Tables<Map<string, HeldUnits>>;

  constructor(entries: EntriesInUse) {
    this.tables = new Tables(entries);
  }

  of({ id }: Policy, key: string): Holds | undefined {
    return this.tables.get(id, key)?.value;
  }

  set({ id }: Policy, key: string, hold: string, held: HeldUnits, now: number): void {
    const entry = this.tables.get(id, key);
    const holds = entry?.value ?? new Map<string, HeldUnits>();
    if (holds.size >= WORTH_SWEEPING) sweep(holds, now);
    this.tables.set(id, key, entry, holds.set(hold, held), Math.max(entry?.expiresAt ?? 0, held.keptUntil), now);
  }

  /** Leases that end too late were written while the clock had jumped. */
  shorten({ id }: Policy, key: string, latest: number): void {
    const holds = this.tables.get(id, key)?.value;
    for (const [hold, held] of holds ?? []) {
      if (held.expires > latest) holds!.set(hold, { ...held, expires: latest, keptUntil: latest });
    }
  }

  delete({ id }: Policy, key: string, hold: string): void {
    const entry = this.tables.get(id, key);
    if (entry?.value.delete(hold) && entry.value.size === 0) this.tables.delete(entry);
  }

  clear({ id }: Policy, key: string): void {
    this.tables.delete(this.tables.get(id, key));
  }
}

/** Abandoned holds are rare. Few of them cost nothing. */
const WORTH_SWEEPING = 8;

/** How many of the oldest holds are looked at for each new one, so that abandoned ones do not pile up. */
const SWEEP = 2;

function sweep(holds: Map<string, HeldUnits>, now: number): void {
  let looked = 0;
  for (const [id, held] of holds) {
    if (held.keptUntil <= now) holds.delete(id);
    else {
      // To the end, so that the next sweep looks at others.
      holds.delete(id);
      holds.set(id, held);
    }
    if (++looked === SWEEP) return;
  }
}
