import type { Clock } from '../../core/clock.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import { keptKey } from '../long-key.js';
import type { LastAnswer } from '../memory/memory.store.js';

/** The most quotas that are remembered: about 8 MB, twice that when all keys are long. */
const MOST = 50_000;

/** While less than this part of a quota is used, only some answers are remembered: there is little to lose. */
const SMALL_PART = 16;

/** Then one answer in this many. A prime, so that a request's hits take turns even if every request has as many. */
const ONE_IN = 17;

/** In place of the time of an answer: the units are a correction of the answer before. */
const CORRECTION = -1;

/** How many answers are written down before they are filed together. */
const FILED_TOGETHER = 512;

/**
 * Remembers what a store last answered about each quota, to within a sixteenth of it, for when the store is away.
 *
 * Memory is bounded by two generations: answers go to the younger one, and when it is full the older one is dropped.
 *
 * Only an outage needs any of this, but every request pays for it. So most answers are skipped. The others are only
 * written to arrays, and filed in the map hundreds at a time: a single lookup between other work would find nothing of
 * the map in the processor's caches.
 */
export class LastAnswers {
  private young = new Map<string, Map<string, LastAnswer>>();
  private old = this.young;
  private size = 0;

  private turn = 0;
  private written = 0;
  private readonly policies = new Array<string>(FILED_TOGETHER);
  private readonly keys = new Array<string>(FILED_TOGETHER);
  private readonly numbers = new Float64Array(3 * FILED_TOGETHER);

  constructor(
    private readonly now: Clock,
    private readonly most = MOST,
  ) {}

  note({ policy, key, cost }: Hit, { remaining, resetAfter }: Decision): void {
    const used = policy.burst - remaining;
    if (used * SMALL_PART < policy.burst && cost >= 0 && (this.turn = (this.turn + 1) % ONE_IN) !== 0) return;
    // Not by a function for both: each request would pay for its numbers as objects.
    const place = this.written++;
    this.policies[place] = policy.id;
    this.keys[place] = keptKey(key);
    this.numbers[3 * place] = used;
    this.numbers[3 * place + 1] = resetAfter;
    this.numbers[3 * place + 2] = Math.floor(this.now());
    if (this.written === FILED_TOGETHER) this.file();
  }

  /**
   * A hold was settled, so `units` more, or fewer, are used than the last answer said. If the last answer was skipped, less
   * than a sixteenth was used, and there is nothing to correct.
   */
  correct({ id }: Policy, key: string, units: number): void {
    if (units === 0) return;
    const place = this.written++;
    this.policies[place] = id;
    this.keys[place] = keptKey(key);
    this.numbers[3 * place] = units;
    this.numbers[3 * place + 2] = CORRECTION;
    if (this.written === FILED_TOGETHER) this.file();
  }

  /** The last answer. It is forgotten then: the local store goes on from it. */
  take({ id }: Policy, key: string): LastAnswer | undefined {
    this.file();
    const [young, old] = [this.young.get(id), this.old.get(id)];
    const kept = keptKey(key);
    const answer = young?.get(kept) ?? old?.get(kept);
    young?.delete(kept);
    old?.delete(kept);
    return answer;
  }

  private file(): void {
    for (let i = 0; i < this.written; i++) {
      const n = 3 * i;
      this.fileOne(this.policies[i]!, this.keys[i]!, this.numbers[n]!, this.numbers[n + 1]!, this.numbers[n + 2]!);
    }
    this.written = 0;
  }

  private fileOne(policy: string, key: string, used: number, resetAfter: number, at: number): void {
    if (at === CORRECTION) {
      const answer = this.young.get(policy)?.get(key) ?? this.old.get(policy)?.get(key);
      if (answer) answer.used = Math.max(0, answer.used + used);
      return;
    }
    let answers = this.young.get(policy);
    if (!answers) this.young.set(policy, (answers = new Map<string, LastAnswer>()));
    const known = answers.get(key);
    if (known) {
      known.used = used;
      known.resetAfter = resetAfter;
      known.at = at;
      return;
    }
    answers.set(key, { used, resetAfter, at });
    if (++this.size < this.most / 2) return;
    this.old = this.young;
    this.young = new Map();
    this.size = 0;
  }
}
