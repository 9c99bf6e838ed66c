import type { Window } from './window.js';

/** What an algorithm judges by. */
export interface Quota {
  /** The quota per window, in units. 0 denies everything. */
  readonly limit: number;
  /** The window's length, in milliseconds. */
  readonly window: number;
  /** The window. */
  readonly period: Window;
  /** The most units at once. For algorithms without a `burst`: the limit. */
  readonly burst: number;
}

/** An algorithm's answer to one hit, and the state after it. An `undefined` state is a full quota. */
export interface Judgement<State> {
  /** Whether the cost is at most what was left. */
  readonly allowed: boolean;
  /** Units that can be spent now. */
  readonly remaining: number;
  /** Milliseconds until more becomes available; 0 when the quota is full, or the limit is 0. */
  readonly resetAfter: number;
  /** Milliseconds until the same hit passes; 0 when it did, -1 when it never can. */
  readonly retryAfter: number;
  /** The very same object when nothing changed. */
  readonly state: State | undefined;
}

/**
 * How an algorithm finds a charge again that is held, by its mark: the window or the moment that was charged.
 */
export interface ChargesByMark<State> {
  /** The mark of the newest charge: a time in milliseconds since the epoch. */
  markOf(state: State): number;

  /** How many of `cost` units that were charged under a mark still count. */
  counting(quota: Quota, state: State, mark: number, cost: number, now: number): number;

  /**
   * The state with `delta` units more, or fewer, in the window that was charged. The very same object if that is over.
   *
   * @param delta at most what may be spent or recorded now
   */
  corrected(quota: Quota, state: State, mark: number, delta: number, now: number): State | undefined;
}

/**
 * How a policy is judged. Pure: the time is an argument, and a state is never changed in place.
 * Every algorithm keeps the laws in docs/algorithms.md. States are plain data and survive JSON.
 */
export interface Algorithm<State> {
  /** Stands for the algorithm in stored keys. */
  readonly code: string;
  /** The part of Redis' script that judges by it, `stores/redis/lua/<lua>.lua`. Default: the algorithm's name. */
  readonly lua?: string;
  /** The part of Redis' script that judges calendar windows. An algorithm without it does not take them. */
  readonly calendarLua?: string;
  /** Its name in running text: `sliding log`. */
  readonly title: string;
  /** What it does, in a sentence for people who choose an algorithm. */
  readonly about: string;
  /** Only for algorithms that take a `burst`: its default. `limit`: the policy's limit. */
  readonly defaultBurst?: 'limit' | number;
  /** Counts in units times milliseconds of window, so `burst × window` must be a safe integer. */
  readonly weighsByWindow: boolean;
  /** Whether all units come back at one moment, as when a window ends. Otherwise they come back little by little. */
  readonly refillsAtOnce: boolean;
  /** Only for algorithms whose charges belong to a window. Without it a correction takes effect now, as in a bucket. */
  readonly byMark?: ChargesByMark<State>;
  /** Whether it counts open holds and keeps no other state. */
  readonly countsHolds?: boolean;
  /** How long the store takes to judge a hit, as a multiple of the fastest algorithm: a heavy hit fills more of a batch. */
  readonly weight: number;

  /**
   * Judges one hit, and charges it if it is allowed.
   *
   * @param state what the last judgement left; absent: a full quota
   * @param cost in units: 0 only looks, a negative one gives back
   * @param now milliseconds since the epoch, a whole number
   */
  judge(quota: Quota, state: State | undefined, cost: number, now: number): Judgement<State>;

  /**
   * A state rebuilt from another store's answer: `used` units of the burst are spent, and more become available after
   * `resetAfter`. If several states fit, it returns one that frees no units sooner.
   */
  recalled(quota: Quota, used: number, resetAfter: number, now: number): State | undefined;

  /** How long until the state is a full quota again and may be deleted. */
  lifetime(quota: Quota, state: State, now: number): number;

  /** The longest lifetime that a state under this quota can have, as long as the clock does not go back. */
  longestLifetime(quota: Quota): number;
}

/**
 * A state ahead of now was written before the clock was set back. It stays as it is, so that setting a clock back frees
 * nothing. A state more than a window ahead was written while the clock had jumped forward. It is moved to now with
 * everything it owes; otherwise the quota would stay closed for the length of the jump.
 */
export const isFarAhead = (at: number, window: number, now: number): boolean => at - now > window;
