/**
 * A mistake in how rate limits are configured or called. The message is the code and the detail; docs/options.md lists
 * the codes.
 */
export class RateLimitError extends Error {
  /** `RateLimitError`. */
  override readonly name: string = 'RateLimitError';

  /**
   * @param code stable, and begins with `RL_`
   * @param detail the place, the value and the fix, for people to read; the text may change
   */
  constructor(
    readonly code: string,
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${detail}`, options);
    // It is in the message already, so logs need not print it again.
    Object.defineProperty(this, 'detail', { value: detail, enumerable: false });
  }

  /** The same mistake, with the place where it was made: a handler, an option. */
  withPlace(place: string): RateLimitError {
    const { cause } = this;
    return new RateLimitError(this.code, `${place}: ${this.detail}`, cause === undefined ? undefined : { cause });
  }
}

/**
 * The kind of a failure, for metrics. `timeout`: no answer in time. `unreachable`: there is no connection. `refused`: the
 * server answers, and cannot decide. `other`: what a custom store does not say.
 */
export type StoreFailureType = 'timeout' | 'unreachable' | 'refused' | 'other';

/**
 * The store did not answer in time. It may have charged, so do not try the call again. A store that cannot decide
 * rejects with this error and no other.
 */
export class StoreUnavailableError extends RateLimitError {
  /** `StoreUnavailableError`. */
  override readonly name = 'StoreUnavailableError';
  /** The kind of the failure. */
  readonly type: StoreFailureType;

  /**
   * Its code is `RL_STORE_UNAVAILABLE`.
   *
   * @param detail which store failed and how, without passwords
   * @param options `cause`: the client's error. `type`: the kind of the failure, by default `other`
   */
  constructor(detail: string, options?: ErrorOptions & { type?: StoreFailureType }) {
    super('RL_STORE_UNAVAILABLE', detail, options);
    this.type = options?.type ?? 'other';
  }
}

/** By its code, because a process may load this package twice: as an ES module and as CommonJS. */
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
