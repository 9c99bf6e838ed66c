import type { StoreUnavailableError } from './errors.js';

/** Told of what happens to the store. Called once for each change, never per request; what it throws harms nobody. */
export interface Observer {
  /** The store stopped answering, and why. Until it answers, each policy does as its `onStoreFailure` says. */
  storeFailed?(failure: StoreUnavailableError): void;
  /**
   * The store answers again, and nothing has failed for a second (longer for one that wavers, up to a minute). `away` is the time from the first failure to the first
   * answer, in milliseconds. Known when somebody asks: an idle instance hears of it with its next request.
   */
  storeAnswers?(away: number): void;
}
