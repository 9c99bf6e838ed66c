import type { Clock } from '../../core/clock.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import { keptKey } from '../long-key.js';
import type { LastAnswer } from '../memory/memory.store.js';

/** The most quotas that are remembered: some 8 MB of them, twice that where all keys are long. */
const MOST = 50_000;

/** Of who has used less than this part of a quota only some answers are remembered: there is little to lose. */
const PART = 16;

/** One in so many. A prime, so that the hits of a request, whose number is always the same, take turns. */
const SOME = 17;

/** How many are written down before they are filed. */
const AT_ONCE = 512;

/**
 * Remembers what a store last told of quotas, for the time when it cannot be asked: to within a sixteenth of each. Of
 * two generations the younger is written; when it is full the older one is forgotten, so what is kept is bounded.
 *
 * All of it is for a bad day, and paid on good ones, by every request. So most answers are passed over; others are
 * only written down, and filed by the hundred: among other work a lookup finds nothing of the map in the processor's
 * caches.
 */
export class LastSeen {
  private young = new Map<string, Map<string, LastAnswer>>();
  private old = this.young;
  private size = 0;

  private turn = 0;
  private written = 0;
  private readonly policies = new Array<string>(AT_ONCE);
  private readonly keys = new Array<string>(AT_ONCE);
  private readonly numbers = new Float64Array(3 * AT_ONCE);

  constructor(
    private readonly now: Clock,
    private readonly most = MOST,
  ) {}

  note({ policy, key, cost }: Hit, { remaining, resetAfter }: Decision): void {
    const used = policy.burst - remaining;
    if (used * PART < policy.burst && cost >= 0 && (this.turn = (this.turn + 1) % SOME) !== 0) return;
    const place = this.written++;
    this.policies[place] = policy.id;
    this.keys[place] = keptKey(key);
    this.numbers[3 * place] = used;
    this.numbers[3 * place + 1] = resetAfter;
    this.numbers[3 * place + 2] = Math.floor(this.now());
    if (this.written === AT_ONCE) this.file();
  }

  /** What was last told, once: then it is forgotten. */
  take({ id }: Policy, key: string): LastAnswer | undefined {
    this.file();
    const [young, old] = [this.young.get(id), this.old.get(id)];
    const kept = keptKey(key);
    const seen = young?.get(kept) ?? old?.get(kept);
    young?.delete(kept);
    old?.delete(kept);
    return seen;
  }

  private file(): void {
    for (let i = 0; i < this.written; i++) {
      const n = 3 * i;
      this.fileOne(this.policies[i]!, this.keys[i]!, this.numbers[n]!, this.numbers[n + 1]!, this.numbers[n + 2]!);
    }
    this.written = 0;
  }

  private fileOne(policy: string, key: string, used: number, resetAfter: number, at: number): void {
    let seen = this.young.get(policy);
    if (!seen) this.young.set(policy, (seen = new Map<string, LastAnswer>()));
    const known = seen.get(key);
    if (known) {
      known.used = used;
      known.resetAfter = resetAfter;
      known.at = at;
      return;
    }
    seen.set(key, { used, resetAfter, at });
    if (++this.size < this.most / 2) return;
    this.old = this.young;
    this.young = new Map();
    this.size = 0;
  }
}
