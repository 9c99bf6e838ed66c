import type { ExecutionContext } from '@nestjs/common';
import type { Duration } from '../../core/duration.js';
import type { WindowDefinition } from '../../core/window-of.js';
import type { Identity } from '../../engine/identity/key-text.js';
import type { KeyResolver } from '../keys/key-resolver.js';

/** What `resolve` returns for a request. Fields that are left out or null keep the policy's values. */
export interface ResolvedPolicy {
  /** The quota per window, in units. */
  limit?: number | null;
  /**
   * The time that the quota is for. Each span and each calendar unit has its own quota. Another time zone or anchor keeps
   * the quota, and applies from the next window on.
   */
  window?: WindowDefinition | null;
  /** The most units at once: `token-bucket` and `gcra` only. */
  burst?: number | null;
  /** The caller that pays: text or an id. */
  key?: Identity;
  /** Quota units the request spends: a whole number, not negative. */
  cost?: number | null;
}

/** What `resolve` returns. `undefined` and `null`: the policy's own numbers apply. */
export type Resolved = ResolvedPolicy | null | undefined;

/** Which requests share an answer of `resolve`, and for how long. */
export interface ResolveCache {
  /**
   * Requests with the same key share one answer and one call, so the answer must depend on nothing else. If this
   * returns `undefined`, `resolve` is called for the request, and its answer is not kept.
   */
  by: KeyResolver;
  /** How long an answer is used, counted from the call. */
  for: Duration;
  /** The most answers that are kept; the oldest go first. Default 10,000. */
  max?: number;
}

/** How a policy is looked up. */
export interface ResolveOptions {
  /**
   * Looks up the numbers, the key and the cost for a request. If it throws, answers too late or returns something
   * unusable, a warning is logged and the policy's own numbers apply. An `HttpException` ends the request instead.
   */
  resolve?: (context: ExecutionContext) => Resolved | Promise<Resolved>;
  /** Which requests share an answer of `resolve`, and for how long. Default: each request is looked up. */
  resolveCache?: ResolveCache;
  /** How long `resolve` may take, in milliseconds: 1 to 60,000. Default 250. */
  resolveTimeout?: number;
}

export const RESOLVE_KEYS = ['resolve', 'resolveCache', 'resolveTimeout'] as const;
export const RESOLVE_CACHE_KEYS = ['by', 'for', 'max'];
