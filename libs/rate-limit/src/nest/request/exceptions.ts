import { HttpException } from '@nestjs/common';
import {
  abnormalUsage,
  blocked,
  forbidden,
  quotaExceeded,
  temporaryReducedCapacity,
} from '../../headers/problem-details.js';

/**
 * 429 (RFC 6585): the quota of these policies is spent, or their caller is blocked. Its response is the problem+json
 * body (`ProblemDetails`), so a filter of your own can read it with `getResponse()`.
 */
export class RateLimitExceededException extends HttpException {
  /**
   * @param violatedPolicies the names of the policies that denied the request
   * @param retryAfter milliseconds until the same request passes; -1 if it never can
   * @param isBlocked whether a block stands (`blockedFor` of a decision): the problem type is another one then
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
 * 503: the store gave no answer, and these policies are `closed` then. Its response is the problem+json body, its
 * `cause` the `StoreUnavailableError`.
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
 * 403, or 429 where the list says so: a deny list names the caller. Its response is the problem+json body. The same
 * caller never passes, so there is no time to wait for.
 */
export class RateLimitRefusedException extends HttpException {
  /**
   * @param violatedPolicies the name of the policy whose list it is; none, if it is the module's
   * @param status as the list says
   */
  constructor(
    readonly violatedPolicies: readonly string[],
    status: 403 | 429,
  ) {
    super(status === 403 ? forbidden(violatedPolicies) : abnormalUsage(violatedPolicies), status);
  }
}

/** Any exception that the guard throws for a request it does not let through. */
export type RateLimitException = RateLimitExceededException | RateLimitUnavailableException | RateLimitRefusedException;

export const isRateLimitException = (error: unknown): error is RateLimitException =>
  error instanceof RateLimitExceededException ||
  error instanceof RateLimitUnavailableException ||
  error instanceof RateLimitRefusedException;
