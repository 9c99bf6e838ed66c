import type { Decider } from './decision.js';
import type { StoreUnavailableError } from './errors.js';
import type { PolicyMode } from './policy.js';

/**
 * Why a hit was denied. `limit`: the quota is spent. `never`: it costs more than the policy ever holds. `blocked`: a
 * block (`blockFor`). `list`: a deny list. `concurrency`: all slots are taken.
 */
export type DenialReason = 'limit' | 'never' | 'blocked' | 'list' | 'concurrency';

/** One hit and the decision about it. */
export interface DecisionEvent {
  /** The policy's name; `undefined` if a list of the module or the limiter decided, which applies to all policies. */
  readonly policy: string | undefined;
  /** The partition that pays, or the address or key that a list names. It may identify a person. */
  readonly key: string;
  /** Quota units; 0 if a list decided before the cost was known. */
  readonly cost: number;
  /**
   * Whether the hit passed. If another hit of its request was denied, or the policy is in shadow: whether it would have.
   */
  readonly allowed: boolean;
  /** Whether it was charged: it and all enforced hits of its request passed. */
  readonly passed: boolean;
  /** Whether the policy is in shadow (`mode: 'shadow'`), so that a denial denies nobody. */
  readonly shadow: boolean;
  /** Who decided. */
  readonly by: Decider;
  /** Why it was denied; `undefined` when it passed. */
  readonly reason: DenialReason | undefined;
  /** The quota per window; `undefined` if a list decided. */
  readonly limit: number | undefined;
  /** Units available now; `undefined` if a list decided. */
  readonly remaining: number | undefined;
  /** Milliseconds until the same hit passes; 0 when it did, -1 when it never can. */
  readonly retryAfter: number;
  /** How long the decision took, in milliseconds. */
  readonly duration: number;
}

/** A policy and a key. */
export interface CallerEvent {
  /** The policy's name. */
  readonly policy: string;
  /** The partition that pays. It may identify a person. */
  readonly key: string;
}

/** A caller has used more than the policy's `warnAt` of what may pass at once. */
export interface NearLimitEvent extends CallerEvent {
  /** The most units at once: the burst, or the limit. */
  readonly most: number;
  /** Units available now. */
  readonly remaining: number;
  /** Whether the policy is in shadow. */
  readonly shadow: boolean;
}

/** A block began. */
export interface BlockEvent extends CallerEvent {
  /** How long it lasts, in milliseconds. */
  readonly span: number;
  /** `denial`: the caller went over the limit. `code`: `RateLimiter.block()`. */
  readonly by: 'denial' | 'code';
  /** Whether the policy is in shadow, so that the block blocks nobody. */
  readonly shadow: boolean;
}

/** The numbers of a policy that can change at run time. */
export interface PolicyNumbersNow {
  /** The quota per window, in units. */
  readonly limit: number;
  /** The most units at once. */
  readonly burst: number;
  /** What the policy does with hits over the limit. */
  readonly mode: PolicyMode;
}

/** A limit changed at run time, as this process sees it. */
export interface LimitChangeEvent extends PolicyNumbersNow {
  /** The policy's name. */
  readonly policy: string;
  /** The key whose own limit changed; `undefined`: the limit of all others. */
  readonly key: string | undefined;
  /** What applied before. */
  readonly before: PolicyNumbersNow;
}

/** A server fails so often that calls to it pause, or it answers again. */
export interface BreakerEvent {
  /** The server: `Redis at localhost:6379`. */
  readonly server: string;
  /** Whether calls pause. */
  readonly isOpen: boolean;
}

/** Redis answered a batch. */
export interface BatchEvent {
  /** The server: `Redis at localhost:6379`. */
  readonly server: string;
  /** How many requests and other calls shared the command. */
  readonly size: number;
  /** From sending to the answer, in milliseconds. */
  readonly duration: number;
}

/** A hold ended. */
export interface HoldEvent extends CallerEvent {
  /** The units that were held. */
  readonly held: number;
  /** The units that were used in the end; `undefined` if the hold expired or was freed by others. */
  readonly cost: number | undefined;
}

/**
 * Receives events of the limiter. Errors that it throws or rejects with are logged and affect no request. Events
 * without a method here cost nothing. Methods run within requests, so they must be quick.
 */
export interface Observer {
  /** A hit was decided. Called for each hit of each request. */
  decided?(event: DecisionEvent): void;
  /**
   * A hit crossed its policy's `warnAt`: once for each key and window. In a bucket it can cross again after the bucket has
   * refilled.
   */
  nearLimit?(event: NearLimitEvent): void;
  /** A block began: by a denial that Redis or this process's memory made, or by code of this process. */
  blocked?(event: BlockEvent): void;
  /** Code of this process ended a block with `unblock()`. */
  unblocked?(event: CallerEvent): void;
  /** A limit was set or cleared, by this process or another. Not called for limits that are set when it starts. */
  limitChanged?(event: LimitChangeEvent): void;
  /** A hold of this process was settled. */
  holdSettled?(event: HoldEvent): void;
  /** A hold of this process was lost: it expired, or an operator freed it. */
  holdExpired?(event: HoldEvent): void;
  /**
   * The store stopped answering. Called once for each outage. Until the store answers, each policy follows its
   * `onStoreFailure`.
   */
  storeFailed?(failure: StoreUnavailableError): void;
  /**
   * The store answers again, and nothing has failed for a second (longer for a store that wavers, up to a minute).
   * Called with the next request after that, so an idle instance reports it late.
   *
   * @param away from the first failure to the first answer, in whole milliseconds
   */
  storeAnswers?(away: number): void;
  /** Calls to a server of Redis pause, or go on: for each primary of a Cluster. */
  breakerChanged?(event: BreakerEvent): void;
  /** Redis answered a batch. */
  batchAnswered?(event: BatchEvent): void;
}

/** What a store reports beside its answers. A method that is absent costs nothing. */
export type StoreReports = {
  readonly [Event in 'blocked' | 'breakerChanged' | 'batchAnswered']?: Observer[Event] | undefined;
};

/** The names of the events. */
export const EVENTS = [
  'decided',
  'nearLimit',
  'blocked',
  'unblocked',
  'limitChanged',
  'holdSettled',
  'holdExpired',
  'storeFailed',
  'storeAnswers',
  'breakerChanged',
  'batchAnswered',
] as const satisfies readonly (keyof Observer)[];
