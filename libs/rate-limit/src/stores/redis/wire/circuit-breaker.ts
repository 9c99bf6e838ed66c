export interface CircuitBreakerOptions {
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  now?: () => number;
  /** From 0 to 1, below 1. Default `Math.random`. */
  random?: () => number;
}

/** After this many failures in a row calls pause. */
const FAILURES = 5;

/** In milliseconds. Each pause is twice as long as the one before. With reconnecting, a store is back within two seconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 500;

/** In milliseconds: if a call that tries gets no answer for this long, another call may try. */
const PATIENCE = 2_000;

/**
 * Says whether to ask a store that fails. While it does not answer, one call after each pause tries it, and all other
 * calls fail at once. The first answer to any call ends the pauses.
 *
 * Nygard's circuit breaker (Release It!, 2007). Written here because calls to a healthy store must not pay for it: no
 * promise, no timer, no clock.
 */
export class CircuitBreaker {
  private failures = 0;
  /** 0 while all calls may ask. */
  private pause = 0;
  private pausedUntil = 0;
  /** Whether a call is trying the store and has no answer yet. */
  private trying = false;
  private readonly now: () => number;
  private readonly random: () => number;

  constructor({ now = () => performance.now(), random = Math.random }: CircuitBreakerOptions = {}) {
    this.now = now;
    this.random = random;
  }

  /** Whether a call may ask. After a pause the first call may; if it fails, the next pause begins. */
  mayAsk(): boolean {
    if (this.pause === 0) return true;
    if (this.isPausing) return false;
    this.trying = true;
    this.pausedUntil = this.now() + PATIENCE;
    return true;
  }

  /** Whether no call may ask now. Reading it does not count as the call that tries. */
  get isPausing(): boolean {
    return this.pause !== 0 && this.now() < this.pausedUntil;
  }

  /** Whether calls pause, except for those that try. */
  get isOpen(): boolean {
    return this.pause !== 0;
  }

  answered(): void {
    this.failures = 0;
    this.pause = 0;
    this.trying = false;
  }

  failed(): void {
    if (this.trying) this.pauseFor(Math.min(2 * this.pause, LONGEST_PAUSE));
    else if (++this.failures >= FAILURES && this.pause === 0) this.pauseFor(FIRST_PAUSE);
  }

  /** Varied by a quarter, so that instances do not come back at the same moment. */
  private pauseFor(pause: number): void {
    this.trying = false;
    this.pause = pause;
    this.pausedUntil = this.now() + pause * (0.75 + this.random() / 2);
  }
}
