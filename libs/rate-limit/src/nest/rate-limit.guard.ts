import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Decision } from '../core/decision.js';
import { at, isStoreUnavailable } from '../core/errors.js';
import type { Hit } from '../core/hit.js';
import type { RateLimitStore } from '../core/store.js';
import { denialFields, longestWait, rateLimitFields, type Verdict } from '../headers/ratelimit-headers.js';
import type { Phase } from './keys/key-resolver.js';
import { RateLimitExceededException, RateLimitUnavailableException } from './rate-limit.exceptions.js';
import type { Plan } from './rate-limit.plan.js';
import type { Plans } from './rate-limit.plans.js';
import { hitsOf, type Rule } from './rate-limit.rule.js';
import type { RateLimitSettings } from './rate-limit.settings.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS, RATE_LIMIT_STORE } from './rate-limit.tokens.js';
import { httpTransport } from './transports/http.transport.js';
import type { Transport } from './transports/transport.js';

/** What was decided so far on one call: its phases, and the verdicts that the header fields show. */
interface Visit {
  readonly phases: Set<Phase | 'all'>;
  readonly verdicts: Verdict[];
}

/**
 * All guards of a call share its context, and so do all instances of ours: that is how a guard bound twice charges
 * once. Nothing of the client decides it.
 */
const visits = new WeakMap<ExecutionContext, Visit>();

/** Limits the handlers it guards. The module binds it globally, unless its `guard` option is false. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly phase: Phase | 'all';
  private warned = false;

  /** @param bound whether the module binds the guard; then late policies have a guard of their own */
  constructor(
    @Inject(RATE_LIMIT_PLANS) private readonly plans: Plans,
    @Inject(RATE_LIMIT_STORE) private readonly store: RateLimitStore,
    @Inject(RATE_LIMIT_SETTINGS) private readonly settings: RateLimitSettings,
    @Inject(RATE_LIMIT_BOUND) bound: boolean | Phase,
  ) {
    this.phase = bound === false ? 'all' : bound === true ? 'early' : bound;
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const plan = this.plans.of(context);
    const rules = plan[this.phase];
    return rules.length === 0 || this.decide(context, plan, rules);
  }

  private async decide(context: ExecutionContext, plan: Plan, rules: readonly Rule[]): Promise<boolean> {
    const transport = this.transportOf(context);
    const visit = visitOf(context);
    if (!transport || visit.phases.has(this.phase)) return true;
    visit.phases.add(this.phase);

    const { keys, headers } = this.settings;
    const hits = await hitsOf(rules, context, transport.request(context), keys).catch(toldOf(context));
    if (hits.length === 0) return true;

    const decisions = await this.consume(hits, context, transport);
    visit.verdicts.push(...hits.map(({ policy, cost }, i) => ({ policy, cost, decision: decisions[i]! })));
    const policies = plan.policies ?? visit.verdicts.map(({ policy }) => policy);
    transport.setFields(context, rateLimitFields(headers, policies, visit.verdicts, Date.now()));

    const violated = visit.verdicts.filter(({ decision }) => !decision.allowed);
    if (violated.length === 0) return true;
    transport.setFields(context, denialFields(visit.verdicts));
    throw new RateLimitExceededException(namesOf(violated.map(({ policy }) => policy)), longestWait(visit.verdicts));
  }

  private async consume(hits: Hit[], context: ExecutionContext, transport: Transport): Promise<Decision[]> {
    try {
      return await this.store.consume(hits);
    } catch (error) {
      if (!isStoreUnavailable(error)) return toldOf(context)(error);
      const mode = this.settings.options.onStoreFailure;
      const closed = hits.map(({ policy }) => policy).filter((policy) => (policy.onStoreFailure ?? mode) === 'closed');
      transport.setFields(context, SHED);
      throw new RateLimitUnavailableException(namesOf(closed), { cause: error });
    }
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

/** Throws what was thrown; a mistake in the use of rate limits names the handler. */
const toldOf =
  (context: ExecutionContext) =>
  (error: unknown): never => {
    throw at(`${context.getClass().name}.${context.getHandler().name}`, error);
  };

/** Nobody knows when the store will answer; a second is long enough not to add to its trouble. */
const SHED = [
  ['Retry-After', '1'],
  ['Cache-Control', 'no-store'],
] as const;

function visitOf(context: ExecutionContext): Visit {
  let visit = visits.get(context);
  if (!visit) {
    visit = { phases: new Set(), verdicts: [] };
    visits.set(context, visit);
  }
  return visit;
}

const namesOf = (policies: readonly { name: string }[]): string[] => [...new Set(policies.map(({ name }) => name))];
