/**
 * A mistake in how rate limits are configured or called. `code` is stable and starts with `RL_`; the message names
 * the value and the fix.
 */
export class RateLimitError extends Error {
  override readonly name: string = 'RateLimitError';

  constructor(
    readonly code: string,
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${detail}`, options);
  }

  /** The same mistake, with the place where it was made: a handler, an option. */
  at(place: string): RateLimitError {
    return new RateLimitError(this.code, `${place}: ${this.detail}`);
  }
}

/**
 * The store gave no answer in time. Nothing is known of the charge, so the call must not be tried again.
 * A store rejects with this and nothing else when it cannot decide.
 */
export class StoreUnavailableError extends RateLimitError {
  override readonly name = 'StoreUnavailableError';

  constructor(detail: string, options?: ErrorOptions) {
    super('RL_STORE_UNAVAILABLE', detail, options);
  }
}

/** By its code, so that it is known across two copies of this package, an ES module and a CommonJS one. */
export const isStoreUnavailable = (error: unknown): error is StoreUnavailableError =>
  error instanceof Error && (error as Partial<StoreUnavailableError>).code === 'RL_STORE_UNAVAILABLE';

/** What was thrown, with the place if it is a mistake of ours to tell. */
export const at = (place: string, error: unknown): unknown =>
  error instanceof RateLimitError && !isStoreUnavailable(error) ? error.at(place) : error;

/** Says where a mistake was made. */
export function placed<T>(place: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    throw at(place, error);
  }
}

/** How a value is shown in an error: short, and told apart from its look-alikes ("5" from 5). */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  const text =
    typeof value === 'string' || (typeof value === 'object' && value !== null) ? safeJson(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
