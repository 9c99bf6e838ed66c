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
  at(place: string): RateLimitError {
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

/** How a value is shown in an error: on one line, short, and told apart from its look-alikes ("5" from 5). */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return oneLine(`${value}n`);
  if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) return oneLine(String(value));
  try {
    return oneLine(JSON.stringify(value) ?? kindOf(value));
  } catch {
    return kindOf(value);
  }
}

/** What a value is, without what it holds: that may be a password. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'text';
  if (typeof value !== 'object' || value === null) return shown(value);
  try {
    if (Array.isArray(value)) return `a list of ${value.length}`;
    const prototype = Object.getPrototypeOf(value) as object | null;
    return prototype ? `an object of ${oneLine(prototype.constructor.name)}` : 'an object';
  } catch {
    // A proxy that is revoked, for one.
    return 'an object that cannot be read';
  }
}

const LONGEST_SHOWN = 80;

/** Text of somebody's as part of a message: short, and without what could forge a line of a log. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, LONGEST_SHOWN + 1)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN - 1)}…` : line;
}
