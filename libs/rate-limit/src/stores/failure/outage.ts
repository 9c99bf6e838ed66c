import type { StoreUnavailableError } from '../../core/errors.js';
import type { Observer } from '../../core/observer.js';

/**
 * In milliseconds: how long nothing may fail before the observer hears that the store answers again. If the store fails
 * again within LONGEST_CALM, the time doubles: a store that wavers is not reported each time.
 */
const CALM = 1_000;
const LONGEST_CALM = 60_000;

/** Where outages are reported. */
export interface OutageListener extends Pick<Observer, 'storeFailed' | 'storeAnswers'> {
  /** The store did not answer a call. Called for each, unlike `storeFailed`. */
  readonly callFailed?: ((failure: StoreUnavailableError) => void) | undefined;
}

/** Follows whether a store answers, and reports to the observer when that changes. */
export class Outage {
  /** On the monotonic clock; 0 while the store answers. */
  private failedSince = 0;
  private lastFailure = 0;
  /** When the first answer since the last failure came. */
  private firstAnswer = 0;
  private calm = CALM;
  private calmSince = -Infinity;

  constructor(private readonly observer: OutageListener) {}

  failed(error: StoreUnavailableError): void {
    this.observer.callFailed?.(error);
    this.lastFailure = performance.now();
    this.firstAnswer = 0;
    if (this.failedSince > 0) return;
    this.failedSince = this.lastFailure;
    const isWavering = this.lastFailure - this.calmSince < LONGEST_CALM;
    this.calm = isWavering ? Math.min(2 * this.calm, LONGEST_CALM) : CALM;
    this.observer.storeFailed?.(error);
  }

  answered(): void {
    if (this.failedSince > 0) this.recover();
  }

  private recover(): void {
    const now = performance.now();
    this.firstAnswer ||= now;
    if (now - this.lastFailure <= this.calm) return;
    const away = Math.round(this.firstAnswer - this.failedSince);
    this.failedSince = 0;
    this.calmSince = now;
    this.observer.storeAnswers?.(away);
  }
}
