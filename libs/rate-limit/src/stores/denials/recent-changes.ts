import type { Policy } from '../../core/policy.js';

/** A power of two. Two states that share a place cost a denial its memory, now and then, and nothing else. */
const PLACES = 4_096;

/** The ends of keys differ more than their beginnings. */
const READ = 24;

/**
 * The numbers of the last changes of any number of states, in 32 kB: several states share a place. So the last change
 * that is found may be one of another state, which was later.
 */
export class RecentChanges {
  private readonly changes = new Float64Array(PLACES);

  note(policy: Policy, key: string, change: number): void {
    this.changes[placeOf(policy, key)] = change;
  }

  last(policy: Policy, key: string): number {
    return this.changes[placeOf(policy, key)]!;
  }
}

function placeOf({ id }: Policy, key: string): number {
  let hash = id.length;
  for (let i = Math.max(0, key.length - READ); i < key.length; i++) hash = Math.imul(hash, 31) + key.charCodeAt(i);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
}
