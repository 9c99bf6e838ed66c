import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Decision } from '../../core/decision.js';
import { at, isStoreUnavailable } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import type { RateLimitStore } from '../../core/store.js';
import {
  denialFields,
  isBlocked,
  longestWait,
  rateLimitFields,
  type Verdict,
} from '../../headers/ratelimit-headers.js';
import type { Phase } from '../keys/key-resolver.js';
import { asksForKeys, isCallerAllowed, isKeyAllowed, isRefusing, isScreening, type Lists } from '../lists/lists.js';
import { RateLimitExceededException, RateLimitRefusedException, RateLimitUnavailableException } from './exceptions.js';
import { hitsOf } from './hits.js';
import { policyFieldOf, type Plan } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { RateLimitRequest } from './request.js';
import type { Rule } from '../plan/rule.js';
import type { RateLimitSettings } from '../settings.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS, RATE_LIMIT_STORE } from '../tokens.js';
import { isPromise } from './values.js';
import { httpTransport } from '../transports/http.transport.js';
import type { Transport } from '../transports/transport.js';

/** What was decided so far on one call: its phases, and the verdicts that the header fields show. */
interface Visit {
  phases: number;
  readonly verdicts: Verdict[];
  /** Whether the module's lists allow the caller; nothing before they were looked at. */
  isAllowed: boolean | undefined;
}

/**
 * All guards of a call share its context, and so do all instances of ours: that is how a guard bound twice charges
 * once. Nothing of the client decides it. Kept on the context itself: a WeakMap costs more than all the rest here.
 */
const VISIT = Symbol.for('nestjs-redis-rate-limit/visit');

const PHASE_BITS: Readonly<Record<Phase | 'all', number>> = { early: 1, late: 2, all: 4 };

/**
 * Limits the handlers it guards. The module binds it globally, unless its `guard` option is false; then bind it with
 * `@UseGuards(RateLimitGuard)`, and it decides all policies of a handler where it stands. Nest makes it.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly phase: Phase | 'all';
  /** Whether the module refuses addresses or API keys, also on handlers without a policy. The late phase comes when it has. */
  private readonly isScreening: boolean;
  private warned = false;

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
    this.phase = bound === false ? 'all' : bound === true ? 'early' : bound;
    this.isScreening = this.phase !== 'late' && isScreening(settings.lists?.deny);
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
    const plan = this.plans.of(context);
    const rules = plan[this.phase];
    return (rules.length === 0 && !this.isScreening) || this.decide(context, plan, rules);
  }

  private decide(context: ExecutionContext, plan: Plan, rules: readonly Rule[]): boolean | Promise<boolean> {
    const transport = this.transportOf(context);
    if (!transport) return true;
    const visit = visitOf(context);
    const bit = PHASE_BITS[this.phase];
    if (visit.phases & bit) return true;
    visit.phases |= bit;

    let hits: Hit[] | Promise<Hit[]>;
    try {
      const request = transport.request(context);
      const { keys, lists } = this.settings;
      if (!lists) hits = hitsOf(rules, context, request, keys);
      else {
        const asked = this.screened(rules, request, lists, visit);
        if (asked.length === 0) return true;
        hits = hitsOf(asked, context, request, keys, seenBy(lists, visit));
      }
    } catch (error) {
      return toldOf(context, transport)(error);
    }
    return isPromise(hits)
      ? hits.then((found) => this.judge(context, transport, plan, visit, found), toldOf(context, transport))
      : this.judge(context, transport, plan, visit, hits);
  }

  /** The rules still to be asked when the module's lists know the caller by himself: of one they allow, those that may deny. */
  private screened(rules: readonly Rule[], request: RateLimitRequest, lists: Lists, visit: Visit): readonly Rule[] {
    visit.isAllowed ??= isCallerAllowed(lists, request, this.settings.keys, []);
    if (!visit.isAllowed || lists.deny?.keys.size) return rules;
    return rules.filter((rule) => isRefusing(rule.lists));
  }

  private async judge(
    context: ExecutionContext,
    transport: Transport,
    plan: Plan,
    { verdicts, isAllowed }: Visit,
    hits: readonly Hit[],
  ): Promise<boolean> {
    if (hits.length === 0 || isAllowed) return true;
    let decisions: Decision[];
    try {
      decisions = await this.store.consume(hits);
    } catch (error) {
      return this.shed(error, hits, context, transport);
    }

    let isDenied = false;
    for (let i = 0; i < hits.length; i++) {
      const decision = decisions[i]!;
      verdicts.push({ policy: hits[i]!.policy, cost: hits[i]!.cost, decision });
      if (!decision.allowed) isDenied = true;
    }
    const policies = policyFieldOf(plan, verdicts);
    transport.setFields(context, rateLimitFields(this.settings.headers, policies, verdicts, Date.now()));
    if (!isDenied) return true;

    transport.setFields(context, denialFields(verdicts));
    const violated = verdicts.filter(({ decision }) => !decision.allowed).map(({ policy }) => policy);
    throw new RateLimitExceededException(namesOf(violated), longestWait(verdicts), isBlocked(verdicts));
  }

  /** The store gave no answer, and somebody wants to be closed then. */
  private shed(error: unknown, hits: readonly Hit[], context: ExecutionContext, transport: Transport): never {
    if (!isStoreUnavailable(error)) return toldOf(context, transport)(error);
    const mode = this.settings.options.onStoreFailure;
    const closed = hits.map(({ policy }) => policy).filter((policy) => (policy.onStoreFailure ?? mode) === 'closed');
    transport.setFields(context, SHED);
    throw new RateLimitUnavailableException(namesOf(closed), { cause: error });
  }

  private transportOf(context: ExecutionContext): Transport | undefined {
    const type = context.getType<string>();
    if (type === httpTransport.type) return httpTransport;
    if (!this.warned)
      this.settings.logger.warn(`Calls of type "${type}" are not limited: there is no transport for them.`);
    this.warned = true;
    return undefined;
  }
}

/** What the module's lists make of the keys that policies count by. */
const seenBy = (lists: Lists, visit: Visit): ((key: string) => void) | undefined =>
  asksForKeys(lists)
    ? (key) => {
        if (isKeyAllowed(lists, key, [])) visit.isAllowed = true;
      }
    : undefined;

/** Throws what was thrown; a mistake in the use of rate limits names the handler, and no cache keeps a refusal. */
const toldOf =
  (context: ExecutionContext, transport: Transport) =>
  (error: unknown): never => {
    if (error instanceof RateLimitRefusedException) transport.setFields(context, [NO_STORE]);
    throw at(`${context.getClass().name}.${context.getHandler().name}`, error);
  };

/** Nobody knows when the store will answer; a second is long enough not to add to its trouble. */
const NO_STORE = ['Cache-Control', 'no-store'] as const;
const SHED = [['Retry-After', '1'], NO_STORE] as const;

function visitOf(context: ExecutionContext & { [VISIT]?: Visit }): Visit {
  return (context[VISIT] ??= { phases: 0, verdicts: [], isAllowed: undefined });
}

const namesOf = (policies: readonly { name: string }[]): string[] => [...new Set(policies.map(({ name }) => name))];
