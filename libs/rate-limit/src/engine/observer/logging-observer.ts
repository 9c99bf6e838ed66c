import { type StoreUnavailableError } from '../../core/errors.js';
import { saidBy } from '../../core/shown.js';
import type { DecisionEvent, Observer } from '../../core/observer.js';
import type { StoreFailureMode } from '../../core/policy.js';
import type { LimiterLogger } from './logger.js';
import { RecurringWarnings } from '../recurring-warnings.js';

const MEANWHILE: Record<StoreFailureMode, string> = {
  local: "each instance counts for itself (onStoreFailure: 'local')",
  open: "every request is admitted (onStoreFailure: 'open')",
  closed: "requests are refused with 503 (onStoreFailure: 'closed')",
};

/** An observer that throws nothing. */
export interface SafeObserver {
  /** `undefined` if the application does not listen: then decisions cost nothing. */
  readonly decided: ((event: DecisionEvent) => void) | undefined;
  readonly storeFailed: (failure: StoreUnavailableError) => void;
  readonly storeAnswers: (away: number) => void;
}

/**
 * Logs outages of the store, and calls the application's observer. Errors of that observer are only logged, for
 * decisions at most once a minute.
 */
export function loggingObserver(logger: LimiterLogger, mode: StoreFailureMode, own: Observer = {}): SafeObserver {
  const failures = new RecurringWarnings((message) => logger.error(message));
  return {
    storeFailed(failure: StoreUnavailableError): void {
      logger.error(`${failure.detail}. Until the store answers, ${MEANWHILE[mode]}, unless a policy says otherwise.`);
      safely(
        () => own.storeFailed?.(failure),
        (error) => logger.error(threw(error)),
      );
    },
    storeAnswers(away: number): void {
      logger.warn(`The store answers again, after ${(away / 1_000).toFixed(1)} s.`);
      safely(
        () => own.storeAnswers?.(away),
        (error) => logger.error(threw(error)),
      );
    },
    decided:
      own.decided &&
      ((event) =>
        safely(
          () => own.decided!(event),
          (error) => failures.warnOnce('decided', () => threw(error)),
        )),
  };
}

const threw = (error: unknown): string => `The observer threw: ${saidBy(error)}`;

/** It may be async, whatever its type says. */
function safely(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call();
    if (result !== undefined) Promise.resolve(result).catch(failed);
  } catch (error) {
    failed(error);
  }
}
