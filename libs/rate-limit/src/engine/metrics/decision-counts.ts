import type { Decider, Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { DecisionEvent } from '../../core/observer.js';
import { havePassed, reasonOf } from '../observer/event-of.js';
import { ByPolicy } from './by-policy.js';
import { ALL_POLICIES, outcomeOf, outcomeReasonOf, type Outcome, type OutcomeReason } from './outcome.js';
import type { Sample } from './sample.js';

const OUTCOMES = placesOf<Outcome>(['allowed', 'denied', 'shadow_denied', 'bypassed']);
const REASONS = placesOf<OutcomeReason | 'none'>([
  'none',
  'limit',
  'never',
  'blocked',
  'list',
  'concurrency',
  'other_policy',
]);
const DECIDERS = placesOf<Decider>(['store', 'local', 'open', 'remembered', 'list', 'lease']);
const PLACES = OUTCOMES.size * REASONS.size * DECIDERS.size;

/** Counts decisions. Each policy has one place for every combination of the other labels, so counting is adding one. */
export class DecisionCounts {
  private readonly counts: ByPolicy<Float64Array>;

  constructor(catalogue: ReadonlySet<string>) {
    this.counts = new ByPolicy(catalogue, () => new Float64Array(PLACES));
  }

  count(event: DecisionEvent): void {
    const { policy = ALL_POLICIES, by } = event;
    this.add(policy, outcomeOf(event), outcomeReasonOf(event), by);
  }

  /** The same of a request, without events. */
  countAll(hits: readonly Hit[], decisions: readonly Decision[]): void {
    const isPassed = havePassed(decisions);
    for (let i = 0; i < decisions.length; i++) {
      const { policy } = hits[i]!;
      const given = decisions[i]!;
      const decision = given.shadow ?? given;
      const { allowed, by } = decision;
      const passed = isPassed && allowed;
      const reason = allowed ? (passed ? undefined : 'other_policy') : reasonOf(policy, decision);
      this.add(policy.name, outcomeOf({ allowed, passed, shadow: given.shadow !== undefined, by }), reason, by);
    }
  }

  private add(policy: string, outcome: Outcome, reason: OutcomeReason | undefined, by: Decider): void {
    const about = OUTCOMES.place[outcome] * REASONS.size + REASONS.place[reason ?? 'none'];
    this.counts.of(policy)[about * DECIDERS.size + DECIDERS.place[by]]!++;
  }

  *samples(): Iterable<Sample> {
    for (const [policy, counts] of this.counts) {
      for (let place = 0; place < PLACES; place++) {
        const value = counts[place]!;
        if (value > 0) yield { labels: { policy, ...labelsAt(place) }, value };
      }
    }
  }
}

function labelsAt(place: number): Record<string, string> {
  const rest = Math.floor(place / DECIDERS.size);
  const decision = OUTCOMES.names[Math.floor(rest / REASONS.size)]!;
  const reason = REASONS.names[rest % REASONS.size]!;
  const by = DECIDERS.names[place % DECIDERS.size]!;
  return reason === 'none' ? { decision, by } : { decision, reason, by };
}

function placesOf<Name extends string>(names: readonly Name[]) {
  const place = Object.fromEntries(names.map((name, i) => [name, i])) as Record<Name, number>;
  return { names, place, size: names.length };
}
