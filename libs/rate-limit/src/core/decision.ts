/**
 * The answer to a hit. Spans are milliseconds from now, never clock readings; a denied hit is one that could not be
 * charged.
 */
export interface Decision {
  /** Whether the hit passed. Beside a denied one, whether it would have: then nothing was charged to it either. */
  readonly allowed: boolean;
  /** The policy's quota per window, in units. */
  readonly limit: number;
  /** Units available now. */
  readonly remaining: number;
  /** How long until more quota becomes available; 0 when it is full. */
  readonly resetAfter: number;
  /**
   * 0: the hit passed. n: the same hit passes after n ms and not one sooner, if nobody else spends. -1: it never can,
   * because it costs more than the policy ever holds.
   */
  readonly retryAfter: number;
  /** Decided without the store, because it gave no answer in time: by the policy's `onStoreFailure`. */
  readonly degraded: boolean;
  /**
   * Only while a block of this policy and key stands, which this denial may have begun: how long still. Nothing is
   * remaining then, whatever the quota holds.
   */
  readonly blockedFor?: number;
  /**
   * Decided without the store, because a list names the key: `RateLimiter` says so. `deny` is a denial for ever, `allow`
   * a full quota of which nothing is spent.
   */
  readonly listed?: 'allow' | 'deny';
}
