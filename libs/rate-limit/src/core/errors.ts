/**
 * A mistake in how rate limits are configured or called. The message is the code and the detail; docs/options.md lists
 * the codes.
 */
export class RateLimitError extends Error {
  /** `RateLimitError`. */
  override readonly name: string = 'RateLimitError';

  /**
   * @param code stable, and begins with `RL_`
   * @param detail the place, the value and the fix, for people; it may change
   */
  constructor(
    readonly code: string,
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${detail}`, options);
  }

  /** The same mistake, with the place where it was made: a handler, an option. */
  withPlace(place: string): RateLimitError {
    return new RateLimitError(this.code, `${place}: ${this.detail}`);
  }
}

/**
 * The store gave no answer in time. Nothing is known of the charge, so the call must not be tried again.
 * A store rejects with this and nothing else when it cannot decide.
 */
export class StoreUnavailableError extends RateLimitError {
  /** `StoreUnavailableError`. */
  override readonly name = 'StoreUnavailableError';

  /**
   * Its code is `RL_STORE_UNAVAILABLE`.
   *
   * @param detail which store, and what it said or did not, without a password
   * @param options `cause`: what the client threw
   */
  constructor(detail: string, options?: ErrorOptions) {
    super('RL_STORE_UNAVAILABLE', detail, options);
  }
}

/** By its code, so that it is known across two copies of this package, an ES module and a CommonJS one. */
export const isStoreUnavailable = (error: unknown): error is StoreUnavailableError =>
  error instanceof Error && (error as Partial<StoreUnavailableError>).code === 'RL_STORE_UNAVAILABLE';

/** Adds the place to a mistake in configuration. Other errors stay as they are: an outage is not made in one place. */
export const withPlace = (place: string, error: unknown): unknown =>
  error instanceof RateLimitError && !isStoreUnavailable(error) ? error.withPlace(place) : error;

/** Runs `attempt`. A mistake that it throws says the place. */
export function atPlace<T>(place: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    throw withPlace(place, error);
  }
}
