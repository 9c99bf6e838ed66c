import { HttpException } from '@nestjs/common';
import {
  abnormalUsage,
  blocked,
  forbidden,
  quotaExceeded,
  temporaryReducedCapacity,
} from '../../headers/problem-details.js';

/**
 * 429 (RFC 6585): the quota of these policies is spent, or the caller is blocked. Its response is the problem+json body
 * (`ProblemDetails`), which a custom filter reads with `getResponse()`.
 */
export class RateLimitExceededException extends HttpException {
  /**
   * @param violatedPolicies the names of the policies that denied the request
   * @param retryAfter milliseconds until the same request passes; -1 if it never can
   * @param isBlocked whether a block is the reason (`blockedFor` of a decision), which has its own problem type
   */
  constructor(
    readonly violatedPolicies: readonly string[],
    readonly retryAfter: number,
    readonly isBlocked = false,
  ) {
    super((isBlocked ? blocked : quotaExceeded)(violatedPolicies, retryAfter), 429);
  }
}

/**
 * 503: the store did not answer, and `onStoreFailure` of these policies is `closed`. Its response is the problem+json
 * body, its `cause` the `StoreUnavailableError`.
 */
export class RateLimitUnavailableException extends HttpException {
  /**
   * @param violatedPolicies the names of the policies that are closed
   * @param options `cause`: what the store rejected with
   */
  constructor(
    readonly violatedPolicies: readonly string[],
    options?: { cause?: unknown },
  ) {
    super(temporaryReducedCapacity(violatedPolicies), 503, options);
  }
}

/**
 * 403, or 429 if the list says so: a deny list names the caller. Its response is the problem+json body, without a time
 * to wait, because the caller never passes.
 */
export class RateLimitRefusedException extends HttpException {
  /**
   * @param violatedPolicies the name of the policy that the list belongs to; empty for a list of the module
   * @param status the status of the list
   */
  constructor(
    readonly violatedPolicies: readonly string[],
    status: 403 | 429,
  ) {
    super(status === 403 ? forbidden(violatedPolicies) : abnormalUsage(violatedPolicies), status);
  }
}

/** The exceptions of the guard for requests that it refuses. */
export type RateLimitException = RateLimitExceededException | RateLimitUnavailableException | RateLimitRefusedException;

export const isRateLimitException = (error: unknown): error is RateLimitException =>
  error instanceof RateLimitExceededException ||
  error instanceof RateLimitUnavailableException ||
  error instanceof RateLimitRefusedException;
