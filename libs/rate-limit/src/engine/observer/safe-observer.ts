import type { StoreUnavailableError } from '../../core/errors.js';
import { saidBy } from '../../core/shown.js';
import type { Observer } from '../../core/observer.js';
import type { StoreFailureMode } from '../../core/policy.js';
import { eventsOf } from './event-of.js';
import type { LimiterLogger } from './logger.js';
import type { ObserverSource, RequestObserver } from './observer-source.js';
import { RecurringWarnings } from '../recurring-warnings.js';
import { Reporter } from './reporter.js';

const MEANWHILE: Record<StoreFailureMode, string> = {
  local: "each instance counts for itself (onStoreFailure: 'local')",
  open: "every request is admitted (onStoreFailure: 'open')",
  closed: "requests are refused with 503 (onStoreFailure: 'closed')",
};

/** What the parts of a limiter report. Events that no observer receives are `undefined`, and cost nothing. Never throws. */
export type SafeObserver = Required<Pick<Observer, 'storeFailed' | 'storeAnswers'>> &
  Reports & {
    readonly [Event in 'callFailed' | 'holdKept' | 'holdLeft']: RequestObserver[Event] | undefined;
  } & {
    /** Takes the decisions of a request that the store did not make: those of lists, and looks. */
    readonly checked: RequestObserver['checked'] | undefined;
    /** Takes the decisions of the store about a request. */
    readonly judged: RequestObserver['judged'] | undefined;
  };

/** Events that are reported just as observers receive them. */
export type Reports = {
  readonly [Event in Exclude<keyof Observer, 'decided' | 'storeFailed' | 'storeAnswers'>]: Observer[Event] | undefined;
};

/** Logs outages of the store, and calls observers ({@link Reporter}). */
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

/**
 * Calls the observers that have `judged` first: they need no events. They are part of this library, so their time is not
 * measured.
 */
function judgedBy(sources: readonly ObserverSource[], problems: RecurringWarnings): SafeObserver['judged'] {
  const counting = sources.filter((source) => source.receives('judged'));
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
