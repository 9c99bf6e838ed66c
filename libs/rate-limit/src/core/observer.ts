import type { StoreUnavailableError } from './errors.js';

/** Told of what happens to the store. Called once for each change, never per request; what it throws harms nobody. */
export interface Observer {
  /** The store stopped answering, and why. Until it answers, each policy does as its `onStoreFailure` says. */
  storeFailed?(failure: StoreUnavailableError): void;
  /** The store answers again. `away` is for how long it did not, in milliseconds. */
  storeAnswers?(away: number): void;
}
