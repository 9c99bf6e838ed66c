import type { Logger } from '@nestjs/common';
import { shown, type StoreUnavailableError } from '../../core/errors.js';
import type { Observer } from '../../core/observer.js';
import type { StoreFailureMode } from '../../core/policy.js';

const MEANWHILE: Record<StoreFailureMode, string> = {
  local: 'local, each instance counts for itself',
  open: 'open, every request is admitted',
  closed: 'closed, requests are refused with 503',
};

/** Logs what happens to the store, and tells the application's own observer. */
export function loggingObserver(logger: Logger, mode: StoreFailureMode, own: Observer = {}): Observer {
  const tell = (told: () => unknown): void => {
    const threw = (error: unknown): void =>
      logger.error(`The observer threw: ${error instanceof Error ? error.message : shown(error)}`);
    try {
      // It may be async, whatever its type says.
      Promise.resolve(told()).catch(threw);
    } catch (error) {
      threw(error);
    }
  };
  return {
    storeFailed(failure: StoreUnavailableError): void {
      logger.error(`${failure.detail}. Until the store answers: ${MEANWHILE[mode]}, unless a policy says otherwise.`);
      tell(() => own.storeFailed?.(failure));
    },
    storeAnswers(away: number): void {
      logger.warn(`The store answers again, after ${(away / 1_000).toFixed(1)} s.`);
      tell(() => own.storeAnswers?.(away));
    },
  };
}
