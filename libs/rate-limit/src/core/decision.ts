/**
 * Who decided a hit:
 *
 * - `store`: the store, by what is kept there;
 * - `local`: this process alone, because the store did not answer in time (`onStoreFailure: 'local'`);
 * - `open`: nothing judged it. The store did not answer in time, so the hit was admitted (`onStoreFailure: 'open'`); or
 *   limits are off (`enabled: false`); or the hit is in shadow, and another one of its request was denied;
 * - `remembered`: this process, because the store denied the same request a moment ago;
 * - `list`: an allow or deny list that names the key;
 * - `lease`: this process, from a share of the quota that the store lent it. Reserved: not used yet.
 */
export type Decider = 'store' | 'local' | 'open' | 'remembered' | 'list' | 'lease';

/**
 * The answer to a hit. Spans are milliseconds from now, never clock readings.
 */
export interface Decision {
  /**
   * Whether the hit passed. If another hit of the request is denied: whether it would have. Nothing is charged then.
   */
  readonly allowed: boolean;
  /** The policy's quota per window, in units. */
  readonly limit: number;
  /** Units available now. */
  readonly remaining: number;
  /** How long until more quota becomes available; 0 when it is full. */
  readonly resetAfter: number;
  /**
   * 0: the hit passed. n: the same hit passes after n ms and not sooner, if no other hit spends. -1: it can never pass,
   * because it costs more than the policy ever holds.
   */
  readonly retryAfter: number;
  /** Who decided. */
  readonly by: Decider;
  /**
   * How much longer a block of this policy and key lasts, perhaps one that this denial began; absent without a block.
   * Under a block `remaining` is 0, whatever the quota holds.
   */
  readonly blockedFor?: number;
  /**
   * Whether `retryAfter` is a guess, of a second at most: the hit is denied only because of units that are held by
   * requests which have not ended (or by slots of `concurrency`). Absent otherwise.
   */
  readonly isGuess?: true;
  /** The hit was charged ahead of time (`patience`): how long to wait before the work begins. Absent otherwise. */
  readonly startsIn?: number;
  /**
   * What the policy would have decided. Only where it is in shadow (`mode: 'shadow'`): then the decision itself is always
   * `allowed`.
   */
  readonly shadow?: Decision;
}
