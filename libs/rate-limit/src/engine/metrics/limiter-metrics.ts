import type { BatchEvent, BlockEvent, DecisionEvent, HoldEvent, NearLimitEvent } from '../../core/observer.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { StoreUnavailableError } from '../../core/errors.js';
import type { LivePolicy } from '../limits/live-policy.js';
import type { RequestObserver } from '../observer/observer-source.js';
import { ByPolicy } from './by-policy.js';
import { DecisionCounts } from './decision-counts.js';
import type { HistogramName, ReadMetric } from './metrics.js';
import type { Sample } from './sample.js';

/** Where the values of histograms go. */
export type HistogramRecorder = Readonly<Record<HistogramName, (value: number) => void>>;

/** The policies whose limits are shown. */
export interface MeasuredCatalogue {
  readonly names: readonly string[];
  readonly livePolicies: readonly LivePolicy[];
}

interface Count {
  value: number;
}

const DIRECTIONS = ['less', 'same', 'more'] as const;

const count = (): Count => ({ value: 0 });

/**
 * Counts what a limiter does. Counts are added up and handed over only when metrics are collected, because adding one here
 * costs less than in any metrics library.
 */
export class LimiterMetrics implements RequestObserver {
  private readonly names = new Set<string>();
  private readonly decisions = new DecisionCounts(this.names);
  private readonly near = new ByPolicy(this.names, count);
  private readonly blocks = new ByPolicy(this.names, count);
  private readonly open = new ByPolicy(this.names, count);
  private readonly settled = new ByPolicy(this.names, () => DIRECTIONS.map(count));
  private readonly errors = new Map<string, Count>();
  private isAway = false;
  private catalogue: MeasuredCatalogue | undefined;
  private recorders: readonly HistogramRecorder[] = [];
  /** Receives the same decisions, in the context of their request. */
  spans: Required<Pick<RequestObserver, 'checked' | 'judged'>> | undefined;

  /** Takes the catalogue, whose limits are shown, when it is known. */
  watch(catalogue: MeasuredCatalogue): void {
    this.catalogue = catalogue;
    for (const name of catalogue.names) this.names.add(name);
    // Begins with 0: an alert on a rise needs a value before the rise.
    for (const { own } of catalogue.livePolicies) {
      if (own.warnAt !== undefined) this.near.of(own.name);
      if (own.blocks !== undefined) this.blocks.of(own.name);
    }
  }

  /** Adds a place where the values of histograms go. */
  record(recorder: HistogramRecorder): void {
    this.recorders = [...this.recorders, recorder];
  }

  checked(events: readonly DecisionEvent[]): void {
    for (const event of events) this.decisions.count(event);
    // Decisions of lists take no time worth measuring.
    const [first] = events;
    if (first && first.duration > 0) this.put('rate_limit.check.duration', first.duration / 1_000);
    this.spans?.checked(events);
  }

  judged(hits: readonly Hit[], decisions: readonly Decision[], duration: number): void {
    this.decisions.countAll(hits, decisions);
    this.put('rate_limit.check.duration', duration / 1_000);
    this.spans?.judged(hits, decisions, duration);
  }

  nearLimit({ policy }: NearLimitEvent): void {
    this.near.of(policy).value++;
  }

  blocked({ policy, shadow }: BlockEvent): void {
    if (!shadow) this.blocks.of(policy).value++;
  }

  holdKept(policy: string): void {
    this.open.of(policy).value++;
  }

  holdLeft(policy: string): void {
    this.open.of(policy).value--;
  }

  holdSettled({ policy, held, cost = 0 }: HoldEvent): void {
    this.settled.of(policy)[1 + Math.sign(cost - held)]!.value++;
  }

  callFailed({ type = 'other' }: Partial<StoreUnavailableError>): void {
    const known = this.errors.get(type);
    if (known) known.value++;
    else this.errors.set(type, { value: 1 });
  }

  storeFailed(): void {
    this.isAway = true;
  }

  storeAnswers(): void {
    this.isAway = false;
  }

  batchAnswered({ size }: BatchEvent): void {
    this.put('rate_limit.batch.size', size);
  }

  /** What a metric is now. Counters are since the start. */
  read(name: ReadMetric): Iterable<Sample> {
    return this.readers[name]();
  }

  private readonly readers: Readonly<Record<ReadMetric, () => Iterable<Sample>>> = {
    'rate_limit.requests': () => this.decisions.samples(),
    'rate_limit.near_limit': () => samplesOf(this.near),
    'rate_limit.blocks': () => samplesOf(this.blocks),
    'rate_limit.holds': () => samplesOf(this.open),
    'rate_limit.settled': () => this.settlements(),
    'rate_limit.store.errors': () =>
      [...this.errors].map(([type, { value }]) => ({ labels: { 'error.type': type }, value })),
    'rate_limit.store.available': () => [{ labels: {}, value: this.isAway ? 0 : 1 }],
    'rate_limit.limit': () => this.limits(),
  };

  private *settlements(): Iterable<Sample> {
    for (const [policy, counts] of this.settled) {
      for (const [i, direction] of DIRECTIONS.entries()) {
        const { value } = counts[i]!;
        if (value > 0) yield { labels: { policy, direction }, value };
      }
    }
  }

  private *limits(): Iterable<Sample> {
    for (const { current } of this.catalogue?.livePolicies ?? []) {
      yield { labels: { policy: current.name }, value: current.limit };
    }
  }

  private put(name: HistogramName, value: number): void {
    for (const recorder of this.recorders) recorder[name](value);
  }
}

function* samplesOf(counts: ByPolicy<Count>): Iterable<Sample> {
  for (const [policy, { value }] of counts) yield { labels: { policy }, value };
}
