import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import { isChecked, type Policy } from '../../core/policy.js';

/** A request that was denied, and what it was told. */
export interface Denial {
  readonly hits: readonly Hit[];
  readonly decisions: readonly Decision[];
  /** How many changes there had been when it was sent. */
  readonly sentAfter: number;
  readonly answeredAt: number;
  readonly until: number;
}

interface KeptDenial extends Denial {
  readonly states: readonly WatchedState[];
}

/** A state, that is a policy and key, on which denials rest or which was given back to of late. */
interface WatchedState {
  policy: Policy;
  readonly key: string;
  /** The number of its last change. Infinity while it is suspended, and when it is not watched any more. */
  changed: number;
  suspended: number;
  /** Until when a block of it is known. */
  blockedUntil: number;
  /** Those whose first hit it is. */
  denials: readonly KeptDenial[];
  idleAt: number;
}

/** A longer one would let callers fill the memory. */
const LONGEST_KEY = 256;
const MOST_DENIALS_PER_STATE = 8;

/**
 * Denials, found by their hits for as long as none of their states may have changed. Changes are numbered: moments
 * could be equal, numbers cannot. A denial does not count when one of its states changed after it was sent.
 */
export class RememberedDenials {
  /** How many changes there were. */
  changes = 0;
  private readonly states = new Map<string, Map<string, WatchedState>>();
  /** All that may be let go, the longest kept first: not those that are suspended. */
  private readonly order = new Set<WatchedState>();
  private denials = 0;
  /** Before this nothing is idle. */
  private idleFrom = Infinity;
  /** The last change that is forgotten: whether a state had changed before it, nobody knows. */
  private forgotten = 0;

  constructor(
    private readonly maxAge: number,
    private readonly maxEntries: number,
  ) {}

  get size(): number {
    return this.order.size + this.denials;
  }

  find(hits: readonly Hit[], now: number): Denial | undefined {
    return this.watched(hits[0])?.denials.find(
      (denial) =>
        now < denial.until &&
        sameHits(denial.hits, hits) &&
        denial.states.every(({ changed }) => changed <= denial.sentAfter),
    );
  }

  /** Takes copies: a caller may use his hits again. */
  add(denial: Denial): void {
    const { hits, decisions, sentAfter, answeredAt: now, until } = denial;
    this.note(hits, false);
    const isLate = hits.some((hit) => (this.watched(hit)?.changed ?? 0) > sentAfter);
    const changedNow = this.noteBlocks(denial);
    if (isLate || until <= now || sentAfter < this.forgotten || !hits.every(isWatchable)) return;

    const states = hits.map((hit) => this.watched(hit) ?? this.watch(hit));
    states.forEach((state, i) => (state.blockedUntil = now + (decisions[i]!.blockedFor ?? 0)));
    const first = states[0]!;
    const others = first.denials.filter((other) => now < other.until && !sameHits(other.hits, hits));
    const kept = {
      ...denial,
      sentAfter: changedNow ? this.changes : sentAfter,
      states,
      hits: hits.map((hit) => ({ ...hit })),
      decisions: [...decisions],
    };
    this.denials -= first.denials.length;
    first.denials = [...others.slice(1 - MOST_DENIALS_PER_STATE), kept];
    this.denials += first.denials.length;
    for (const state of states) this.keep(state, now);
    this.makeRoom(now);
  }

  /** These hits were not denied. */
  charged(hits: readonly Hit[], now: number): void {
    this.note(hits, true);
    this.makeRoom(now);
  }

  /** Nobody knows what is left while something is given back: until `resume` these states bear no denial. */
  suspend(hits: readonly Hit[]): readonly WatchedState[] {
    const states = hits.filter(isWatchable).map((hit) => this.watched(hit) ?? this.watch(hit));
    for (const state of states) {
      state.suspended++;
      this.letGo(state);
    }
    return states;
  }

  resume(states: readonly WatchedState[], now: number): void {
    for (const state of states) {
      if (--state.suspended > 0) continue;
      state.changed = ++this.changes;
      this.keep(state, now);
    }
    this.makeRoom(now);
  }

  /** Another limit or burst is a change too: a bucket fills at its rate, even for one who only looks. */
  private note(hits: readonly Hit[], charged: boolean): void {
    for (const hit of hits) {
      const state = this.watched(hit);
      if (!state) continue;
      const same = sameRule(state.policy, hit.policy);
      if (same && (!charged || hit.cost === 0)) continue;
      state.policy = hit.policy;
      state.changed = Math.max(state.changed, ++this.changes);
    }
  }

  /** A block that begins changes what is told of its state beside other denials; this denial knows of it. */
  private noteBlocks({ hits, decisions, answeredAt: now }: Denial): boolean {
    let begins = false;
    for (let i = 0; i < hits.length; i++) {
      const { blockedFor } = decisions[i]!;
      const state = blockedFor === undefined ? undefined : this.watched(hits[i]);
      if (!state || now < state.blockedUntil) continue;
      state.blockedUntil = now + blockedFor!;
      state.changed = Math.max(state.changed, ++this.changes);
      begins = true;
    }
    return begins;
  }

  private watched(hit: Hit | undefined): WatchedState | undefined {
    return this.states.get(hit?.policy?.id as string)?.get(hit!.key);
  }

  private watch({ policy, key }: Hit): WatchedState {
    const state = { policy, key, changed: 0, suspended: 0, blockedUntil: 0, denials: [], idleAt: 0 };
    const keys = this.states.get(policy.id) ?? new Map<string, WatchedState>();
    this.states.set(policy.id, keys.set(key, state));
    return state;
  }

  private keep(state: WatchedState, now: number): void {
    state.idleAt = now + this.maxAge;
    this.idleFrom = Math.min(this.idleFrom, state.idleAt);
    this.order.delete(state);
    this.order.add(state);
  }

  /** What is idle goes, and if that is not enough what was kept longest: a tenth at once, for it is slow to begin. */
  private makeRoom(now: number): void {
    const full = this.size > this.maxEntries;
    if (!full && now < this.idleFrom) return;
    const most = full ? 0.9 * this.maxEntries : this.maxEntries;
    this.idleFrom = Infinity;
    for (const state of this.order) {
      if (now < state.idleAt && this.size <= most) {
        this.idleFrom = state.idleAt;
        return;
      }
      this.forgotten = Math.max(this.forgotten, state.changed);
      this.letGo(state);
      const keys = this.states.get(state.policy.id)!;
      keys.delete(state.key);
      if (keys.size === 0) this.states.delete(state.policy.id);
    }
  }

  private letGo(state: WatchedState): void {
    state.changed = Infinity;
    this.denials -= state.denials.length;
    state.denials = [];
    this.order.delete(state);
  }
}

const sameHits = (some: readonly Hit[], others: readonly Hit[]): boolean =>
  some.length === others.length && some.every((hit, i) => sameHit(hit, others[i]));

const sameHit = ({ policy, key, cost }: Hit, other: Hit | undefined): boolean =>
  other?.key === key && other.cost === cost && isChecked(other.policy) && sameRule(other.policy, policy);

const sameRule = (one: Policy, other: Policy): boolean =>
  one === other ||
  (one.id === other.id &&
    one.limit === other.limit &&
    one.burst === other.burst &&
    one.blocks?.text === other.blocks?.text);

/** Malformed hits come by too: the store inside refuses them. */
const isWatchable = (hit: Hit): boolean =>
  isChecked(hit?.policy) && typeof hit.key === 'string' && hit.key.length <= LONGEST_KEY;
