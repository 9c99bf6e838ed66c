import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { after, isPromise } from '../../core/after.js';
import { ask } from '../../core/ask.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { RateLimitStore } from '../../core/store.js';
import { rateLimitFields } from '../../headers/ratelimit-headers.js';
import type { Phase } from '../keys/key-resolver.js';
import { policyFieldOf, type Plan } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Rule } from '../plan/rule.js';
import type { RateLimitSettings } from '../settings.js';
import {
  RATE_LIMIT_BOUND,
  RATE_LIMIT_HOLDS,
  RATE_LIMIT_PLANS,
  RATE_LIMIT_SETTINGS,
  RATE_LIMIT_STORE,
} from '../tokens.js';
import type { KeptHolds } from '../../engine/holds/kept-holds.js';
import { Call } from './call.js';
import { keepUntilEnd, releaseHeld, type Taken } from './held-hits.js';
import { hitsOf } from './hits.js';
import { leaveLatePhase } from './late-phase.js';
import { answeredMeanwhile, denied, failureOf, withoutDecision } from './refusals.js';
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
    @Inject(RATE_LIMIT_HOLDS) private readonly holds: KeptHolds,
    @Inject(RATE_LIMIT_BOUND) bound: boolean | Phase,
  ) {
    this.isOff = !settings.isEnabled;
    this.phase = bound === false ? 'all' : bound === true ? 'early' : bound;
    // The early phase has already checked the lists.
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
   * @throws RateLimitExceededException 429, if a policy denies
   * @throws RateLimitRefusedException 403 or 429, if a list denies
   * @throws RateLimitUnavailableException 503, if the store does not answer and a policy's `onStoreFailure` is `closed`
   */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (this.isOff) return true;
    const plan = this.plans.of(context);
    if (this.late && plan.late.length > 0) leaveLatePhase(context, this.late);
    const rules = plan[this.phase];
    if (rules.length === 0 && !this.isScreening) return true;
    const call = Call.of(context, this.settings);
    return !call?.enter(this.phase) || this.decide(call, plan, rules);
  }

  private decide(call: Call, plan: Plan, rules: readonly Rule[]): boolean | Promise<boolean> {
    let hits: Hit[] | Promise<Hit[]>;
    try {
      hits = hitsOf(screened(rules, call), call);
    } catch (error) {
      throw failureOf(call, error);
    }
    if (!isPromise(hits)) return this.judge(call, plan, hits);
    return after(
      hits,
      (found) => this.judge(call, plan, found),
      (error) => {
        throw failureOf(call, error);
      },
    );
  }

  /** Without a promise if the store answers without one. */
  private judge(call: Call, plan: Plan, hits: readonly Hit[]): boolean | Promise<boolean> {
    if (hits.length === 0 || call.isAllowed) return true;
    const sentAt = plan.isHolding ? this.holds.now() : 0;
    return ask(
      this.store,
      hits,
      (decisions) => this.answer(call, plan, hits, decisions, sentAt),
      (error) => {
        throw withoutDecision(call, hits, error);
      },
    );
  }

  private answer(
    call: Call,
    plan: Plan,
    hits: readonly Hit[],
    decisions: readonly Decision[],
    sentAt: number,
  ): boolean {
    if (call.isAnsweredMeanwhile) {
      if (plan.isHolding) releaseHeld(call, { hits, decisions, sentAt }, this.holds);
      throw answeredMeanwhile();
    }
    const { verdicts } = call;
    const { headers, showsShadow, deniedMost } = this.settings;
    let isDenied = false;
    for (let i = 0; i < hits.length; i++) {
      const decision = decisions[i]!;
      const { policy, cost } = hits[i]!;
      if (decision.shadow === undefined || showsShadow) verdicts.push({ policy, cost, decision });
      if (!decision.allowed) isDenied = true;
      deniedMost.note(hits[i]!, decision);
    }
    const now = Date.now();
    call.setFields(rateLimitFields(headers, policyFieldOf(plan, verdicts, now, showsShadow), verdicts, now));
    if (isDenied) throw denied(call);
    if (plan.isHolding) this.keep(call, { hits, decisions, sentAt });
    return true;
  }

  private keep(call: Call, taken: Taken): void {
    try {
      keepUntilEnd(call, taken, this.holds);
    } catch (error) {
      throw failureOf(call, error);
    }
  }
}
