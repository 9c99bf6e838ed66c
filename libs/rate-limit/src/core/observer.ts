import type { Decider } from './decision.js';
import type { StoreUnavailableError } from './errors.js';

/**
 * Why a hit was denied. `limit`: the quota is spent. `never`: it costs more than the policy ever holds. `blocked`: a
 * block (`blockFor`). `list`: a deny list.
 */
export type DenialReason = 'limit' | 'never' | 'blocked' | 'list';

/** One hit and the decision about it. */
export interface DecisionEvent {
  /** The policy's name; `undefined` if a list of the module or the limiter decided, which applies to all policies. */
  readonly policy: string | undefined;
  /** The partition that pays, or the address or key that a list names. It may identify a person. */
  readonly key: string;
  /** Quota units; 0 if a list decided before the cost was known. */
  readonly cost: number;
  /** Whether the hit passed. If another hit of its request was denied: whether it would have. */
  readonly allowed: boolean;
  /** Whether all hits of its request passed. Only then were they charged. */
  readonly passed: boolean;
  /** Who decided. */
  readonly by: Decider;
  /** Why it was denied; `undefined` when it passed. */
  readonly reason: DenialReason | undefined;
  /** Units available now; `undefined` if a list decided. */
  readonly remaining: number | undefined;
  /** Milliseconds until the same hit passes; 0 when it did, -1 when it never can. */
  readonly retryAfter: number;
  /** How long the decision took, in milliseconds. */
  readonly duration: number;
}

/**
 * Receives events of the limiter. Errors that it throws or rejects with are logged and affect no request. Events
 * without a method here cost nothing.
 */
export interface Observer {
  /** A hit was decided. Called for each hit of each request, so it must be quick. */
  decided?(event: DecisionEvent): void;
  /**
   * The store stopped answering. Called once for each outage. Until the store answers, each policy follows its
   * `onStoreFailure`.
   */
  storeFailed?(failure: StoreUnavailableError): void;
  /**
   * The store answers again, and nothing has failed for a second (longer for a store that wavers, up to a minute).
   * Called with the next request after that, so an idle instance reports it late.
   *
   * @param away from the first failure to the first answer, in milliseconds
   */
  storeAnswers?(away: number): void;
}
