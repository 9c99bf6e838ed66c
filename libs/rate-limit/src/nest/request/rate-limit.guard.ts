import { HttpException, Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Decision } from '../../core/decision.js';
import { isStoreUnavailable } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import type { RateLimitStore } from '../../core/store.js';
import { denialFields, isBlocked, longestWait, rateLimitFields } from '../../headers/ratelimit-headers.js';
import type { Phase } from '../keys/key-resolver.js';
import { policyFieldOf, type Plan } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Rule } from '../plan/rule.js';
import type { RateLimitSettings } from '../settings.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS, RATE_LIMIT_STORE } from '../tokens.js';
import { transportOf } from '../transports/transports.js';
import { Call } from './call.js';
import { RateLimitExceededException, RateLimitRefusedException, RateLimitUnavailableException } from './exceptions.js';
import { hitsOf } from './hits.js';
import { isPromise } from './per-request.js';
import { screened } from './screening.js';

/**
 * Limits the handlers that it guards. The module binds it globally, unless its `guard` option is false. Then bind it
 * with `@UseGuards(RateLimitGuard)`: it decides all policies of a handler at that place. Nest makes it.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly phase: Phase | 'all';
  /** Whether the module refuses addresses or API keys: then handlers without a policy are guarded too. */
  private readonly isScreening: boolean;
  /** The types of calls that a warning was logged about. */
  private readonly warnedOf = new Set<string>();
  /** Whether limits are off: then everything passes. */
  private readonly isOff: boolean;

  /**
   * @internal
   * @param bound whether the module binds the guard; then late policies have a guard of their own
   */
  constructor(
    @Inject(RATE_LIMIT_PLANS) private readonly plans: Plans,
    @Inject(RATE_LIMIT_STORE) private readonly store: RateLimitStore,
    @Inject(RATE_LIMIT_SETTINGS) private readonly settings: RateLimitSettings,
    @Inject(RATE_LIMIT_BOUND) bound: boolean | Phase,
  ) {
    this.isOff = !settings.isEnabled;
    this.phase = bound === false ? 'all' : bound === true ? 'early' : bound;
    // The early phase has already checked the lists.
    this.isScreening = this.phase !== 'late' && settings.lists?.refusesCallers === true;
  }

  /**
   * Charges the policies of the handler that is called, and sets the header fields.
   *
   * @returns true: the request passes
   * @throws RateLimitExceededException 429, if a policy denies
   * @throws RateLimitRefusedException 403 or 429, if a list denies
   * @throws RateLimitUnavailableException 503, if the store does not answer and a policy's `onStoreFailure` is `closed`
   */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (this.isOff) return true;
    const plan = this.plans.of(context);
    const rules = plan[this.phase];
    if (rules.length === 0 && !this.isScreening) return true;
    const call = this.callOf(context);
    return !call?.enter(this.phase) || this.decide(call, plan, rules);
  }

  private decide(call: Call, plan: Plan, rules: readonly Rule[]): boolean | Promise<boolean> {
    let hits: Hit[] | Promise<Hit[]>;
    try {
      hits = hitsOf(screened(rules, call), call);
    } catch (error) {
      throw failureOf(call, error);
    }
    if (!isPromise(hits)) return hits.length === 0 || this.judge(call, plan, hits);
    return hits.then(
      (found) => this.judge(call, plan, found),
      (error: unknown) => {
        throw failureOf(call, error);
      },
    );
  }

  private async judge(call: Call, plan: Plan, hits: readonly Hit[]): Promise<boolean> {
    if (hits.length === 0 || call.isAllowed) return true;
    let decisions: Decision[];
    try {
      decisions = await this.store.consume(hits);
    } catch (error) {
      return this.shed(call, hits, error);
    }
    if (call.isAnsweredMeanwhile) throw answeredMeanwhile();
    const { verdicts } = call;
    let isDenied = false;
    for (let i = 0; i < hits.length; i++) {
      const decision = decisions[i]!;
      verdicts.push({ policy: hits[i]!.policy, cost: hits[i]!.cost, decision });
      if (!decision.allowed) isDenied = true;
    }
    call.setFields(rateLimitFields(this.settings.headers, policyFieldOf(plan, verdicts), verdicts, Date.now()));
    if (!isDenied) return true;

    call.setFields(denialFields(verdicts));
    const violated = verdicts.filter(({ decision }) => !decision.allowed).map(({ policy }) => policy);
    throw call.thrown(new RateLimitExceededException(namesOf(violated), longestWait(verdicts), isBlocked(verdicts)));
  }

  /** The store did not answer, and a policy's `onStoreFailure` is `closed`. */
  private shed(call: Call, hits: readonly Hit[], error: unknown): never {
    if (!isStoreUnavailable(error)) throw failureOf(call, error);
    const mode = this.settings.options.onStoreFailure;
    const closed = hits.map(({ policy }) => policy).filter((policy) => (policy.onStoreFailure ?? mode) === 'closed');
    call.setFields(SHED);
    throw call.thrown(new RateLimitUnavailableException(namesOf(closed), { cause: error }));
  }

  private callOf(context: ExecutionContext): Call | undefined {
    const type = context.getType<string>();
    const transport = transportOf(type);
    if (transport?.carries(context)) return Call.of(context, transport, this.settings);
    if (!this.warnedOf.has(type)) {
      this.warnedOf.add(type);
      this.settings.logger.warn(
        transport
          ? `${context.getClass().name}.${context.getHandler().name} was called without an HTTP request. Such calls are not limited. Limit them in code, with RateLimiter.consume().`
          : `Calls of type "${type}" are not limited: this library has no transport for them. Limit them in code, with RateLimiter.consume().`,
      );
    }
    return undefined;
  }
}

/** The request has its answer already, so the handler must not run. Nest's filter does not log this exception. */
const answeredMeanwhile = (): HttpException =>
  new HttpException('The request was answered before its rate limits were decided.', 503);

const NO_STORE = ['Cache-Control', 'no-store'] as const;
/** It is unknown when the store will answer. Retries after a second do not add to its load. */
const SHED = [['Retry-After', '1'], NO_STORE] as const;

/** The error to throw. A configuration mistake gets the handler's name. A refusal must not be cached. */
function failureOf(call: Call, error: unknown): unknown {
  if (error instanceof RateLimitRefusedException) call.setFields([NO_STORE]);
  return call.thrown(error);
}

const namesOf = (policies: readonly Policy[]): string[] => [...new Set(policies.map(({ name }) => name))];
