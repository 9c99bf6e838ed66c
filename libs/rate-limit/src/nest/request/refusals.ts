import { HttpException } from '@nestjs/common';
import { isStoreUnavailable } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import { denialFields, isBlocked, longestWait } from '../../headers/ratelimit-headers.js';
import type { Call } from './call.js';
import { RateLimitExceededException, RateLimitRefusedException, RateLimitUnavailableException } from './exceptions.js';

// What the guard throws for calls that it does not let through. The header fields are set on the way.

/** Policies deny. */
export function denied(call: Call): unknown {
  const { verdicts } = call;
  call.isDenied = true;
  call.setFields(denialFields(verdicts));
  const violated = verdicts.filter(({ decision }) => !decision.allowed).map(({ policy }) => policy);
  return call.thrown(new RateLimitExceededException(namesOf(violated), longestWait(verdicts), isBlocked(verdicts)));
}

/** The store gave no answer, and a policy is `closed` then. */
export function withoutDecision(call: Call, hits: readonly Hit[], error: unknown): unknown {
  if (!isStoreUnavailable(error)) return failureOf(call, error);
  call.isDenied = true;
  const mode = call.settings.options.onStoreFailure;
  const closed = hits.map(({ policy }) => policy).filter((policy) => (policy.onStoreFailure ?? mode) === 'closed');
  call.setFields(SHED);
  return call.thrown(new RateLimitUnavailableException(namesOf(closed), { cause: error }));
}

/** Nobody is left to answer, and a handler's answer would be an error in the log. Nest's filter is silent about this one. */
export const answeredMeanwhile = (): HttpException =>
  new HttpException('The request was answered while its rate limits were decided.', 503);

const NO_STORE = ['Cache-Control', 'no-store'] as const;
/** Nobody knows when the store will answer; a second is long enough not to add to its trouble. */
const SHED = [['Retry-After', '1'], NO_STORE] as const;

/** What to throw: a mistake in the use of rate limits names the handler. No cache may keep a refusal. */
export function failureOf(call: Call, error: unknown): unknown {
  call.isDenied = true;
  if (error instanceof RateLimitRefusedException) call.setFields([NO_STORE]);
  return call.thrown(error);
}

const namesOf = (policies: readonly Policy[]): string[] => [...new Set(policies.map(({ name }) => name))];
