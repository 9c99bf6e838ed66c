import type { ExecutionContext } from '@nestjs/common';
import type { Duration } from '../../core/duration.js';
import type { Identity } from '../../engine/identity/key-text.js';
import type { KeyResolver } from '../keys/key-resolver.js';

/** What `resolve` of a policy says of a request. A part that is left out, or null, is the policy's own. */
export interface ResolvedPolicy {
  /** The quota per window, in units. */
  limit?: number | null;
  /** The time that the quota is for. Another window is another quota. */
  window?: Duration | null;
  /** The most units at once: `token-bucket` and `gcra` only. */
  burst?: number | null;
  /** Who pays: text or an id. */
  key?: Identity;
  /** Quota units the request spends: a whole number, not negative. */
  cost?: number | null;
}

/** What `resolve` returns. Nothing: the policy's own numbers hold. */
export type Resolved = ResolvedPolicy | null | undefined;

/** For which requests one answer of `resolve` holds, and for how long. */
export interface ResolveCache {
  /**
   * Requests of one key share one answer, and one call: what `resolve` returns may depend on nothing else. `undefined`:
   * for this request it is always called.
   */
  by: KeyResolver;
  /** For how long an answer holds, from the call on. */
  for: Duration;
  /** The most answers that are kept; the oldest go first. Default 10,000. */
  max?: number;
}

/** How a policy is looked up. */
export interface ResolveOptions {
  /**
   * Looks up what holds for a request, all at once. What it throws that is no `HttpException`, an answer that comes too
   * late and one that is not fit for use are logged, and the policy's own numbers hold.
   */
  resolve?: (context: ExecutionContext) => Resolved | Promise<Resolved>;
  /** For which requests an answer of `resolve` holds, and for how long. Default: for the one that it was asked for. */
  resolveCache?: ResolveCache;
  /** How long `resolve` may take, in milliseconds: 1 to 60,000. Default 250. */
  resolveTimeout?: number;
}

export const RESOLVE_KEYS = ['resolve', 'resolveCache', 'resolveTimeout'] as const;
export const RESOLVE_CACHE_KEYS = ['by', 'for', 'max'];
