/** When a window begins and ends, in milliseconds since the epoch. `end` is not part of it. */
export interface WindowBounds {
  /** The first moment of the window. */
  readonly start: number;
  /** The first moment after it. */
  readonly end: number;
}

/**
 * The time that a policy's limit applies to, as a value. Most algorithms need only its length, a number in the policy's
 * quota. Code that shows a window, or keeps states for it, reads it here.
 */
export interface Window {
  /** Whether it begins and ends with a calendar unit. Otherwise it begins with the first charge. */
  readonly isCalendar: boolean;
  /** Its length in milliseconds. For a calendar unit, the most that it usually lasts: 31 days for a month. */
  readonly length: number;
  /** The longest that one can last, in milliseconds. */
  readonly longest: number;
  /** Its part of a policy's id: policies share a quota only if their windows have the same id. */
  readonly id: string;
  /** As people write it: `1m`, `day Europe/Berlin`. Two windows with the same text are the same. */
  readonly text: string;
  /** Whether `end` is later than a window can end. Then the clock was ahead when the window began. */
  isFarAhead(end: number, now: number): boolean;
  /** The length of the present window in seconds, rounded up, for header fields. */
  secondsAt(now: number): number;
  /** The bounds of the window that a charge at `now` opens. */
  boundsAt(now: number): WindowBounds;
}
