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
import { Call, placeIn } from './call.js';
import { RateLimitExceededException, RateLimitRefusedException, RateLimitUnavailableException } from './exceptions.js';
import { hitsOf } from './hits.js';
import { leaveLatePhase } from './late-phase.js';
import { isPromise } from './per-request.js';
import { screened } from './screening.js';

/**
 * Limits the handlers it guards. The module binds it globally, unless its `guard` option is false; then bind it with
 * `@UseGuards(RateLimitGuard)`, and it decides all policies of a handler where it stands. Nest makes it.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly phase: Phase | 'all';
  /** Whether the module refuses addresses or API keys: then handlers without a policy are guarded too. */
  private readonly isScreening: boolean;
  /** Whether limits are off: then it lets everything pass, wherever it is bound. */
  private readonly isOff: boolean;
  /** Decides the late policies of the same calls. */
  private late: RateLimitGuard | undefined;

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
    // The early phase has looked when the late one comes.
    this.isScreening = this.phase !== 'late' && settings.lists?.refusesCallers === true;
  }

  /** @internal */
  precede(late: RateLimitGuard): void {
    this.late = late;
  }

  /**
   * Charges the policies of the handler that is called, and sets the header fields.
   *
   * @returns true: the request passes
   * @throws RateLimitExceededException 429, when a policy denies
   * @throws RateLimitRefusedException 403 or 429, when a list denies
   * @throws RateLimitUnavailableException 503, when the store gives no answer and a policy is `closed` then
   */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (this.isOff) return true;
    const plan = this.plans.of(context);
    if (this.late && plan.late.length > 0) leaveLatePhase(context, this.late);
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

  /** The store gave no answer, and a policy is `closed` then. */
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
    const call = transport && Call.of(context, transport, this.settings);
    if (call) return call;
    this.settings.warnOnce(`calls of type ${type}`, () =>
      transport
        ? `${placeIn(context)} was called without an HTTP request. Such calls are not limited. Limit them in code, with RateLimiter.consume().`
        : `Calls of type "${type}" are not limited: this library has no transport for them. Limit them in code, with RateLimiter.consume().`,
    );
    return undefined;
  }
}

/** Nobody is left to answer, and a handler's answer would be an error in the log. Nest's filter is silent about this one. */
const answeredMeanwhile = (): HttpException =>
  new HttpException('The request was answered while its rate limits were decided.', 503);

const NO_STORE = ['Cache-Control', 'no-store'] as const;
/** Nobody knows when the store will answer; a second is long enough not to add to its trouble. */
const SHED = [['Retry-After', '1'], NO_STORE] as const;

/** What to throw: a mistake in the use of rate limits names the handler. No cache may keep a refusal. */
function failureOf(call: Call, error: unknown): unknown {
  if (error instanceof RateLimitRefusedException) call.setFields([NO_STORE]);
  return call.thrown(error);
}

const namesOf = (policies: readonly Policy[]): string[] => [...new Set(policies.map(({ name }) => name))];
