import { durationText, milliseconds, type Duration } from './duration.js';

/** When a window begins and ends, in milliseconds since the epoch. `end` is not part of it. */
export interface WindowBounds {
  /** The first moment of the window. */
  readonly start: number;
  /** The first moment after it. */
  readonly end: number;
}

/**
 * The time that a policy's limit applies to, as a value. Algorithms need only its length, a number in the policy's
 * quota. Code that shows a window, or keeps states for it, reads it here.
 */
export interface Window {
  /** Its length in milliseconds. */
  readonly length: number;
  /** Its part of a policy's id: policies share a quota only if their windows have the same id. */
  readonly id: string;
  /** As people write it: `1m`. */
  readonly text: string;
  /** Its length in seconds, rounded up, for header fields. */
  readonly seconds: number;
  /** The bounds of the window that a charge at `now` opens. */
  boundsAt(now: number): WindowBounds;
}

/** A span of time. It begins with the first charge. */
class Span implements Window {
  constructor(readonly length: number) {}

  get id(): string {
    return String(this.length);
  }

  get text(): string {
    return durationText(this.length);
  }

  get seconds(): number {
    return Math.ceil(this.length / 1_000);
  }

  boundsAt(now: number): WindowBounds {
    return { start: now, end: now + this.length };
  }
}

/**
 * The window that a policy's definition describes.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID`
 */
export const windowOf = (window: Duration): Window => new Span(milliseconds(window));
