import type { ExecutionContext } from '@nestjs/common';
import { placed, RateLimitError, shown } from '../../core/errors.js';
import { checkKnownKeys, definePolicy, type Policy } from '../../core/policy.js';
import { durationText, milliseconds, type Duration } from '../../core/duration.js';
import { byIp } from '../keys/by-ip.js';
import type { KeyResolver, Phase } from '../keys/key-resolver.js';
import { LivePolicy } from '../limits/live-policy.js';
import { LIST_KEYS, listsOf, type Lists } from '../lists/lists.js';
import type { PolicyOptions, PolicyUse } from '../options.js';
import { checkCost } from '../request/values.js';
import { lookupOf } from '../resolve/lookup-of.js';
import type { Lookup } from '../resolve/lookup.js';
import { RESOLVE_KEYS } from '../resolve/resolved-policy.js';

/** A policy put to use: which quota, who pays, how much. Compiled once, when the application starts. */
export interface Rule {
  readonly name: string;
  /** It has no name of its own: its quota is one handler's, and `name` is only what the header fields call it. */
  readonly unnamed: boolean;
  readonly phase: Phase;
  readonly key: KeyResolver;
  readonly cost: number | ((context: ExecutionContext) => number | Promise<number>);
  readonly skip: ((context: ExecutionContext) => boolean | Promise<boolean>) | undefined;
  readonly lists: Lists | undefined;
  /** The policy as it is defined, or its limit as a function of the request and the policy for a limit. */
  readonly policy: Policy | undefined;
  readonly limit: ((context: ExecutionContext) => number | Promise<number>) | undefined;
  policyFor(limit: number): Policy;
  /** The policy as it holds now. Without one, as a function of the request says. */
  readonly live: LivePolicy | undefined;
  /** Where the policy is looked up for a request. */
  readonly lookup: Lookup | undefined;
}

/** One whose policy has a number for a limit. */
export type NumberedRule = Rule & { readonly policy: Policy; readonly live: LivePolicy };

type RuleQuota = Pick<Rule, 'name' | 'unnamed' | 'policy' | 'limit' | 'policyFor' | 'live' | 'lookup'>;

/** How many limits of a policy with a limit of the request's own are kept ready. */
const REMEMBERED_LIMITS = 1_000;

export const USE_KEYS = ['key', 'cost', 'skip', 'phase', ...LIST_KEYS];
export const RULE_KEYS = [
  'name',
  'algorithm',
  'limit',
  'window',
  'burst',
  'onStoreFailure',
  'blockFor',
  ...USE_KEYS,
  ...RESOLVE_KEYS,
];

/**
 * Compiles a policy and its use.
 *
 * @param owner the route that a policy without a name belongs to
 * @throws RateLimitError for whatever can be known to be wrong by now
 */
export function ruleOf(options: PolicyOptions, owner?: string): Rule {
  checkKnownKeys(options, RULE_KEYS, 'a policy');
  const { key: _key, cost: _cost, skip: _skip, phase: _phase, allow: _allow, deny: _deny, limit, ...others } = options;
  const { resolve, resolveCache, resolveTimeout, ...rest } = others;
  const unnamed = rest.name === undefined;
  const name = rest.name !== undefined ? rest.name : resolve ? LOOKED_UP : wireName(limit, rest.window);
  const define = (units: number, burst = rest.burst) => definePolicy({ ...rest, name, limit: units, burst }, owner);
  const known = new Map<number, Policy>();
  const policyFor = (units: number): Policy => {
    let policy = known.get(units);
    if (!policy) {
      policy = placed(name, () => define(units));
      if (known.size < REMEMBERED_LIMITS) known.set(units, policy);
    }
    return policy;
  };
  // Of a limit by request the rest can be wrong without one.
  const policy = define(typeof limit === 'function' ? 1 : limit);
  const lookup = lookupOf({ ...rest, name, limit }, { resolve, resolveCache, resolveTimeout }, owner);
  if (lookup) {
    const of = { policy: undefined, limit: undefined, live: undefined, lookup };
    return usedAs({ name, unnamed, ...of, policyFor: () => lookup.own }, options);
  }
  if (typeof limit === 'function') {
    return usedAs({ name, unnamed, policy: undefined, limit, policyFor, live: undefined, lookup }, options);
  }
  const live = new LivePolicy(policy, (numbers) => define(numbers.limit, numbers.burst));
  return usedAs({ name, unnamed, policy, limit: undefined, policyFor, live, lookup }, options);
}

/** The same policy in another use: what `use` leaves out stays as it was. */
export function usedAs(quota: RuleQuota & Partial<Rule>, use: PolicyUse): Rule {
  const key = use.key ?? quota.key ?? byIp;
  const cost = use.cost ?? quota.cost ?? 1;
  const skip = use.skip ?? quota.skip;
  const { name, unnamed, policy, limit, policyFor, live, lookup } = quota;
  // Late as soon as one of them is: the lookup waits for what its key reads.
  const asKeyed = lookup?.by?.phase === 'late' ? 'late' : key.phase;
  const phase = use.phase ?? (use.key ? undefined : quota.phase) ?? asKeyed ?? 'early';
  checkFunction(key, 'key', name);
  if (skip !== undefined) checkFunction(skip, 'skip', name);
  if (phase !== 'early' && phase !== 'late') {
    throw new RateLimitError('RL_PHASE_INVALID', `${name}: phase must be 'early' or 'late', got ${shown(phase)}`);
  }
  if (typeof cost !== 'function') {
    checkCost(cost, name);
    const own = policy ?? lookup?.own;
    if (own && own.limit > 0 && cost > own.burst) {
      const most = `${own.algorithm} of limit ${own.limit}${own.burst === own.limit ? '' : ` and burst ${own.burst}`}`;
      throw new RateLimitError('RL_COST_NEVER_PASSES', `${name}: a request of cost ${cost} can never pass a ${most}`);
    }
    live?.costs(cost);
  }
  const lists = listsOf(use, quota.lists, `${name}: `);
  return { name, unnamed, policy, limit, policyFor, live, lookup, key, cost, skip, phase, lists };
}

function checkFunction(value: unknown, what: string, name: string): void {
  if (typeof value === 'function') return;
  throw new RateLimitError('RL_OPTION_INVALID', `${name}: ${what} must be a function, got ${shown(value)}`);
}

/** What a policy without a name is called whose numbers are looked up. */
const LOOKED_UP = 'resolved';

/** What a policy without a name is called in the header fields: `3-per-1m`. */
function wireName(limit: PolicyOptions['limit'], window: Duration): string {
  const span = durationText(milliseconds(window));
  return typeof limit === 'number' ? `${limit}-per-${span}` : `per-${span}`;
}
