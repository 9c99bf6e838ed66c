export interface CircuitBreakerOptions {
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  now?: () => number;
  /** From 0 to 1, below 1. Default `Math.random`. */
  random?: () => number;
}

/** So many failures with no answer between them, and nobody is asked for a while. */
const FAILURES = 5;

/** In milliseconds. Each pause is twice as long as the one before. With reconnecting, a store is back within two seconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 500;

/** In milliseconds: who tries and does not hear holds up the next one for no longer. */
const PATIENCE = 2_000;

/**
 * Says whether a store that fails is worth asking: while it does not answer, one call after each pause tries it, and
 * all others are spared the wait. The first answer, whoever gets it, ends that.
 *
 * Nygard's circuit breaker (Release It!, 2007). Our own, because a call on the way to a healthy store shall cost it
 * nothing: no promise, no timer, no clock.
 */
export class CircuitBreaker {
  private failures = 0;
  /** 0 while everybody may ask. */
  private pause = 0;
  private pausedUntil = 0;
  /** Whether somebody tries, and has not heard yet. */
  private trying = false;
  private readonly now: () => number;
  private readonly random: () => number;

  constructor({ now = () => performance.now(), random = Math.random }: CircuitBreakerOptions = {}) {
    this.now = now;
    this.random = random;
  }

  /** Whether to ask. After a pause the first one who wants to know may, and the next pause begins when that has failed. */
  mayAsk(): boolean {
    if (this.pause === 0) return true;
    if (this.isPausing) return false;
    this.trying = true;
    this.pausedUntil = this.now() + PATIENCE;
    return true;
  }

  /** Whether nobody may ask at the moment. To look takes no turn. */
  get isPausing(): boolean {
    return this.pause !== 0 && this.now() < this.pausedUntil;
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

  /** A quarter more or less: many instances do not come back at the same moment. */
  private pauseFor(pause: number): void {
    this.trying = false;
    this.pause = pause;
    this.pausedUntil = this.now() + pause * (0.75 + this.random() / 2);
  }
}
