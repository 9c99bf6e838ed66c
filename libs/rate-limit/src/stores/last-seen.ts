import type { Decision } from '../core/decision.js';
import type { Policy } from '../core/policy.js';

/** What was last told of a quota. */
export interface Seen {
  /** Units of the burst that were spent. */
  used: number;
  /** How long from `at` until more became available, in milliseconds. */
  resetAfter: number;
  /** When it was told. */
  at: number;
}

/** The most quotas that are remembered: some 8 MB of them. */
const MOST = 50_000;

/**
 * Remembers what a store last told of quotas, for the time when it cannot be asked. Of two generations the younger is
 * written; when it is full the older one is forgotten: bounded, and a write costs two lookups.
 */
export class LastSeen {
  private young = new Map<string, Map<string, Seen>>();
  private old = this.young;
  private size = 0;

  constructor(private readonly most = MOST) {}

  note(policy: Policy, key: string, { remaining, resetAfter }: Decision, at: number): void {
    let keys = this.young.get(policy.id);
    if (!keys) this.young.set(policy.id, (keys = new Map<string, Seen>()));
    const used = policy.burst - remaining;
    const seen = keys.get(key);
    if (seen) {
      seen.used = used;
      seen.resetAfter = resetAfter;
      seen.at = at;
      return;
    }
    keys.set(key, { used, resetAfter, at });
    if (++this.size < this.most / 2) return;
    this.old = this.young;
    this.young = new Map();
    this.size = 0;
  }

  /** What was last told, once: then it is forgotten. */
  take({ id }: Policy, key: string): Seen | undefined {
    const [young, old] = [this.young.get(id), this.old.get(id)];
    const seen = young?.get(key) ?? old?.get(key);
    young?.delete(key);
    old?.delete(key);
    return seen;
  }
}
