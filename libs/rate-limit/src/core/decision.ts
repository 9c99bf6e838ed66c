/**
 * Who decided a hit:
 *
 * - `store`: the store, by what is kept there;
 * - `local`: this process by itself, because the store gave no answer in time (`onStoreFailure: 'local'`);
 * - `open`: nobody, for the same reason: the hit was admitted unseen (`onStoreFailure: 'open'`);
 * - `remembered`: this process, because the store denied the same request a moment ago;
 * - `list`: an allow or deny list that names the key;
 * - `lease`: this process, from a share of the quota that the store lent it. Reserved: nothing decides so yet.
 */
export type Decider = 'store' | 'local' | 'open' | 'remembered' | 'list' | 'lease';

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
  /** Who decided. */
  readonly by: Decider;
  /**
   * Only while a block of this policy and key stands, which this denial may have begun: how long still. Nothing is
   * remaining then, whatever the quota holds.
   */
  readonly blockedFor?: number;
}
