import { durationText, milliseconds, type Duration } from './duration.js';

/** When a window is: from `start` up to `end`, which is no part of it. Milliseconds since the epoch. */
export interface WindowBounds {
  /** The first moment of the window. */
  readonly start: number;
  /** The first moment after it. */
  readonly end: number;
}

/**
 * The time that a policy's limit is for, as a value. Algorithms judge by its length alone, a number in the policy's
 * quota; everything else that a window has to say is said here.
 */
export interface Window {
  /** Its length in milliseconds. */
  readonly length: number;
  /** Its part in the identity of a state: windows with the same id share what has been spent. */
  readonly id: string;
  /** As people write it: `1m`. */
  readonly text: string;
  /** Its length in seconds, rounded up: header fields speak seconds. */
  readonly seconds: number;
  /** When the window is that a charge at `now` opens. */
  boundsAt(now: number): WindowBounds;
}

/** A span, which begins with its first charge. */
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
 * The window of a policy, from what its definition says.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID`
 */
export const windowOf = (window: Duration): Window => new Span(milliseconds(window));
