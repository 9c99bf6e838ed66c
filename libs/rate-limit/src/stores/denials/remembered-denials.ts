import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import { isChecked, type Policy } from '../../core/policy.js';
import { RecentChanges } from './recent-changes.js';

/** A request that was denied, and its decisions. */
export interface Denial {
  readonly hits: readonly Hit[];
  readonly decisions: readonly Decision[];
  /** `changes` when the request was sent. */
  readonly sentAfter: number;
  readonly answeredAt: number;
  readonly until: number;
}

interface KeptDenial extends Denial {
  readonly states: readonly WatchedState[];
}

/** The state of a policy and key that remembered denials depend on, or that was given back to recently. */
interface WatchedState {
  policy: Policy;
  readonly key: string;
  /** The number of its last change. Infinity while it is suspended and once it is dropped. */
  changed: number;
  suspended: number;
  /** When the block that is known of ends. */
  blockedUntil: number;
  /** The denials whose first hit is on this state. */
  denials: readonly KeptDenial[];
  idleAt: number;
}

/** With longer keys callers could fill the memory. */
const LONGEST_REMEMBERED_KEY = 256;
const MOST_DENIALS_PER_STATE = 8;

/**
 * Finds denials by their hits, for as long as none of their states can have changed. Changes are numbered, because two
 * of them may happen at the same moment. A denial no longer counts once one of its states changed after it was sent.
 */
export class RememberedDenials {
  /** The number of changes so far. */
  changes = 0;
  private readonly states = new Map<string, Map<string, WatchedState>>();
  /** The states that may be dropped, the longest kept first. Suspended ones are not among them. */
  private readonly order = new Set<WatchedState>();
  private denials = 0;
  /** No state is idle before this moment. */
  private idleFrom = Infinity;
  /** The last change that is forgotten. Whether a state changed before it is unknown. */
  private forgotten = 0;
  private readonly settlements = new RecentChanges();

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

  /** Copies what it keeps: callers may reuse their hits. */
  add(denial: Denial): void {
    const { hits, decisions, sentAfter, answeredAt: now, until } = denial;
    this.note(hits, false);
    const isLate = hits.some((hit) => this.lastChange(hit) > sentAfter);
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

  /** The store charged these hits, or may have. */
  charged(hits: readonly Hit[], now: number): void {
    this.note(hits, true);
    this.makeRoom(now);
  }

  /** A hold ended. Most are on states of which no denial is remembered, so this keeps none of them. */
  settled(hold: Pick<Hit, 'policy' | 'key'>): void {
    if (!isWatchable(hold)) return;
    const state = this.denials > 0 ? this.watched(hold) : undefined;
    const change = ++this.changes;
    if (state) state.changed = Math.max(state.changed, change);
    this.settlements.note(hold.policy, hold.key, change);
  }

  /** While units are given back, what is left is unknown. Until `resume` no denial on these states counts. */
  suspend(hits: readonly Hit[]): readonly WatchedState[] {
    const states = hits.filter(isWatchable).map((hit) => this.watched(hit) ?? this.watch(hit));
    for (const state of states) {
      state.suspended++;
      this.drop(state);
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

  /** Another limit or burst is a change too: a bucket fills at its rate, even for callers that only look. */
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

  /** A block that begins changes other answers about its state. This denial already knows of it. */
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

  /** The number of a state's last change; perhaps a later one, which was of another state. */
  private lastChange(hit: Hit): number {
    if (!isWatchable(hit)) return 0;
    return Math.max(this.watched(hit)?.changed ?? 0, this.settlements.last(hit.policy, hit.key));
  }

  private watched(hit: Pick<Hit, 'policy' | 'key'> | undefined): WatchedState | undefined {
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

  /** Drops idle states, then the longest kept ones if that is not enough: a tenth at once, because starting is slow. */
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
      this.drop(state);
      const keys = this.states.get(state.policy.id)!;
      keys.delete(state.key);
      if (keys.size === 0) this.states.delete(state.policy.id);
    }
  }

  private drop(state: WatchedState): void {
    state.changed = Infinity;
    this.denials -= state.denials.length;
    state.denials = [];
    this.order.delete(state);
  }
}

const sameHits = (some: readonly Hit[], others: readonly Hit[]): boolean =>
  some.length === others.length && some.every((hit, i) => sameHit(hit, others[i]));

const sameHit = ({ policy, key, cost, hold, patience }: Hit, other: Hit | undefined): boolean =>
  other?.key === key &&
  other.cost === cost &&
  // Held hits are judged apart from what others hold, and wait for another span.
  (other.hold === undefined) === (hold === undefined) &&
  other.patience === patience &&
  isChecked(other.policy) &&
  sameRule(other.policy, policy);

const sameRule = (one: Policy, other: Policy): boolean =>
  one === other ||
  (one.id === other.id &&
    one.limit === other.limit &&
    one.burst === other.burst &&
    one.mode === other.mode &&
    one.blocks?.text === other.blocks?.text);

/** Hits may be malformed here: the inner store refuses them. */
const isWatchable = (hit: Pick<Hit, 'policy' | 'key'>): boolean =>
  isChecked(hit?.policy) && typeof hit.key === 'string' && hit.key.length <= LONGEST_REMEMBERED_KEY;
