import { type StoreUnavailableError } from '../../core/errors.js';
import { saidBy } from '../../core/shown.js';
import type { DecisionEvent, Observer } from '../../core/observer.js';
import type { StoreFailureMode } from '../../core/policy.js';
import { eventsOf } from './event-of.js';
import type { LimiterLogger } from './logger.js';
import type { Heard, ObserverSource, RequestObserver } from './observer-source.js';
import { RecurringWarnings } from '../recurring-warnings.js';

const MEANWHILE: Record<StoreFailureMode, string> = {
  local: "each instance counts for itself (onStoreFailure: 'local')",
  open: "every request is admitted (onStoreFailure: 'open')",
  closed: "requests are refused with 503 (onStoreFailure: 'closed')",
};

/** What the parts of a limiter report. What nobody listens to is `undefined`, and costs nothing. Nothing of it throws. */
export type SafeObserver = Required<Pick<Observer, 'storeFailed' | 'storeAnswers'>> &
  Reports & {
    /** The hits of a request were decided. */
    readonly checked: ((events: readonly DecisionEvent[]) => void) | undefined;
    /** The hits of a request were judged by policies. Of other decisions, `checked` is told. */
    readonly judged: RequestObserver['judged'] | undefined;
    readonly callFailed: RequestObserver['callFailed'] | undefined;
    readonly holdKept: RequestObserver['holdKept'] | undefined;
    readonly holdLeft: RequestObserver['holdLeft'] | undefined;
  };

/** The events without those of the store and of single decisions. */
export type Reports = {
  readonly [Event in Exclude<keyof Observer, 'decided' | 'storeFailed' | 'storeAnswers'>]: Observer[Event] | undefined;
};

/** In milliseconds. A call this long delays every request of the process. */
const SLOW = 50;

/** Logs outages of the store, and calls observers. Their errors are only logged, at most once a minute of each kind. */
export function safeObserver(
  logger: LimiterLogger,
  mode: StoreFailureMode,
  sources: readonly ObserverSource[] = [],
): SafeObserver {
  const problems = new RecurringWarnings((message) => logger.error(message));
  const reporter = new Reporter(sources, problems);
  const checked = checkedBy(reporter);
  const [failed, answers] = [reporter.to('storeFailed'), reporter.to('storeAnswers')];
  return {
    checked,
    judged: judgedBy(sources, problems),
    callFailed: reporter.to('callFailed'),
    holdKept: reporter.to('holdKept'),
    holdLeft: reporter.to('holdLeft'),
    nearLimit: reporter.to('nearLimit'),
    blocked: reporter.to('blocked'),
    unblocked: reporter.to('unblocked'),
    limitChanged: reporter.to('limitChanged'),
    holdSettled: reporter.to('holdSettled'),
    holdExpired: reporter.to('holdExpired'),
    breakerChanged: reporter.to('breakerChanged'),
    batchAnswered: reporter.to('batchAnswered'),
    storeFailed(failure: StoreUnavailableError): void {
      logger.error(`${failure.detail}. Until the store answers, ${MEANWHILE[mode]}, unless a policy says otherwise.`);
      failed?.(failure);
    },
    storeAnswers(away: number): void {
      logger.warn(`The store answers again, after ${(away / 1_000).toFixed(1)} s.`);
      answers?.(away);
    },
  };
}

function checkedBy(reporter: Reporter): SafeObserver['checked'] {
  const decided = reporter.to('decided');
  const checked = reporter.to('checked');
  if (!decided) return checked;
  return (events) => {
    checked?.(events);
    for (const event of events) decided(event);
  };
}

/** Calls those that count first: no event is made for them. They are our own, so nobody measures how long they take. */
function judgedBy(sources: readonly ObserverSource[], problems: RecurringWarnings): SafeObserver['judged'] {
  const counting = sources.filter((source) => source.hears('judged'));
  const checked = checkedBy(
    new Reporter(
      sources.filter((source) => !counting.includes(source)),
      problems,
    ),
  );
  if (counting.length === 0 && !checked) return undefined;
  return (hits, decisions, duration) => {
    try {
      for (const source of counting) source.current()?.judged?.(hits, decisions, duration);
    } catch (error) {
      problems.warnOnce('threw judged', () => `Metrics or traces could not be written: ${saidBy(error)}`);
    }
    checked?.(eventsOf(hits, decisions, duration));
  };
}

/** An event's argument, if it has one. */
type Told<Event extends Heard> = Parameters<NonNullable<RequestObserver[Event]>>[0];

class Reporter {
  constructor(
    private readonly sources: readonly ObserverSource[],
    private readonly problems: RecurringWarnings,
  ) {}

  /** Calls a method of all observers that have it; `undefined` if none has it. */
  to<Event extends Heard>(event: Event): ((told: Told<Event>) => void) | undefined {
    const sources = this.sources.filter((source) => source.hears(event));
    if (sources.length === 0) return undefined;
    return (told) => {
      for (const source of sources) {
        const observer = source.current();
        if (observer) this.call(observer, event, told);
      }
    };
  }

  /** A method may be async, whatever its type says. */
  private call<Event extends Heard>(observer: RequestObserver, event: Event, told: Told<Event>): void {
    const began = performance.now();
    try {
      const result: unknown = (observer[event] as ((told: Told<Event>) => unknown) | undefined)?.call(observer, told);
      if (result !== undefined) Promise.resolve(result).catch((error: unknown) => this.threw(event, error));
    } catch (error) {
      this.threw(event, error);
    }
    const took = performance.now() - began;
    if (took < SLOW) return;
    this.problems.warnOnce(
      `slow ${event}`,
      () =>
        `${event}() of the observer took ${Math.round(took)} ms. Nothing else runs meanwhile, so it delays every request: only count there.`,
    );
  }

  private threw(event: Heard, error: unknown): void {
    this.problems.warnOnce(`threw ${event}`, () => `${event}() of the observer threw: ${saidBy(error)}`);
  }
}
