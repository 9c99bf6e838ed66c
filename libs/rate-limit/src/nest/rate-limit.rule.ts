import type { ExecutionContext } from '@nestjs/common';
import { placed, RateLimitError, shown } from '../core/errors.js';
import type { Hit } from '../core/hit.js';
import { checkKnownKeys, definePolicy, type Policy } from '../core/policy.js';
import { durationText, milliseconds, type Duration } from '../core/duration.js';
import { byIp } from './keys/by-ip.js';
import type { KeyResolver, Partition, Phase } from './keys/key-resolver.js';
import type { KeySettings } from './keys/key-settings.js';
import { LIST_KEYS, listedKey, listsOf, type Lists } from './lists/lists.js';
import type { PolicyOptions, PolicyUse } from './rate-limit.options.js';
import type { RateLimitRequest } from './rate-limit.request.js';

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
  /** The policy, or its limit as a function of the request and the policy for a limit. */
  readonly policy: Policy | undefined;
  readonly limit: ((context: ExecutionContext) => number | Promise<number>) | undefined;
  policyFor(limit: number): Policy;
}

type RuleQuota = Pick<Rule, 'name' | 'unnamed' | 'policy' | 'limit' | 'policyFor'>;

/** How many limits of a policy with a limit of the request's own are kept ready. */
const REMEMBERED_LIMITS = 1_000;

const USE_KEYS = ['key', 'cost', 'skip', 'phase', ...LIST_KEYS];
export const RULE_KEYS = ['name', 'algorithm', 'limit', 'window', 'burst', 'onStoreFailure', ...USE_KEYS];

/**
 * Compiles a policy and its use.
 *
 * @param owner the route that a policy without a name belongs to
 * @throws RateLimitError for whatever can be known to be wrong by now
 */
export function ruleOf(options: PolicyOptions, owner?: string): Rule {
  checkKnownKeys(options, RULE_KEYS, 'a policy');
  const { key: _key, cost: _cost, skip: _skip, phase: _phase, allow: _allow, deny: _deny, limit, ...rest } = options;
  const unnamed = rest.name === undefined;
  const name = rest.name === undefined ? wireName(limit, rest.window) : rest.name;
  const define = (units: number) => definePolicy({ ...rest, name, limit: units }, owner);
  const known = new Map<number, Policy>();
  const policyFor = (units: number): Policy => {
    let policy = known.get(units);
    if (!policy) {
      policy = placed(name, () => define(units));
      if (known.size < REMEMBERED_LIMITS) known.set(units, policy);
    }
    return policy;
  };
  if (typeof limit === 'function') {
    define(1); // The rest of it can be wrong without a request.
    return usedAs({ name, unnamed, policy: undefined, limit, policyFor }, options);
  }
  return usedAs({ name, unnamed, policy: define(limit), limit: undefined, policyFor }, options);
}

/** The same policy in another use: what `use` leaves out stays as it was. */
export function usedAs(quota: RuleQuota & Partial<Rule>, use: PolicyUse): Rule {
  const key = use.key ?? quota.key ?? byIp;
  const cost = use.cost ?? quota.cost ?? 1;
  const skip = use.skip ?? quota.skip;
  const phase = use.phase ?? (use.key ? undefined : quota.phase) ?? key.phase ?? 'early';
  const { name, unnamed, policy, limit, policyFor } = quota;
  checkFunction(key, 'key', name);
  if (skip !== undefined) checkFunction(skip, 'skip', name);
  if (phase !== 'early' && phase !== 'late') {
    throw new RateLimitError('RL_PHASE_INVALID', `${name}: phase must be 'early' or 'late', got ${shown(phase)}`);
  }
  if (typeof cost !== 'function') {
    checkCost(cost, name);
    if (policy && policy.limit > 0 && cost > policy.burst) {
      const most = `${policy.algorithm} of limit ${policy.limit}${policy.burst === policy.limit ? '' : ` and burst ${policy.burst}`}`;
      throw new RateLimitError('RL_COST_NEVER_PASSES', `${name}: a request of cost ${cost} can never pass a ${most}`);
    }
  }
  const lists = listsOf(use, quota.lists, `${name}: `);
  return { name, unnamed, policy, limit, policyFor, key, cost, skip, phase, lists };
}

/**
 * The rules' hits on this request, without those that do not apply: at once, unless somebody has to be waited for.
 * Whatever a resolver throws comes through.
 *
 * @param seen told of each key that is found, before it is known whether the policy's lists allow it
 * @throws RateLimitRefusedException where a policy's lists deny the caller
 */
export function hitsOf(
  rules: readonly Rule[],
  context: ExecutionContext,
  request: RateLimitRequest,
  settings: KeySettings,
  seen?: (key: string) => void,
): Hit[] | Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!;
    const { policy, cost } = rule;
    if (rule.skip || !policy || typeof cost !== 'number') return waitingFor(i);
    const key = keyOf(rule, context, request, settings, seen);
    if (isPromise(key)) return waitingFor(i, key);
    if (key !== undefined) hits.push({ policy, key: textOf(key), cost });
  }
  return hits;

  async function waitingFor(from: number, firstKey?: Promise<Partition>): Promise<Hit[]> {
    for (let i = from; i < rules.length; i++) {
      const rule = rules[i]!;
      if (rule.skip && (await rule.skip(context))) continue;
      const key = await (i === from && firstKey ? firstKey : keyOf(rule, context, request, settings, seen));
      if (key === undefined) continue;
      const policy = rule.policy ?? rule.policyFor(await rule.limit!(context));
      const cost = typeof rule.cost === 'number' ? rule.cost : await rule.cost(context);
      checkCost(cost, rule.name);
      hits.push({ policy, key: textOf(key), cost });
    }
    return hits;
  }
}

/** The rule's key, as its lists and the module's leave it. */
function keyOf(
  rule: Rule,
  context: ExecutionContext,
  request: RateLimitRequest,
  settings: KeySettings,
  seen?: (key: string) => void,
): Partition | Promise<Partition> {
  return rule.lists || seen ? listedKey(rule, context, request, settings, seen) : rule.key(context, request, settings);
}

/** What is neither text nor a number the store refuses. */
const textOf = (key: string | number): string => (Number.isFinite(key) ? String(key) : (key as string));

export const isPromise = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof (value as Promise<T>)?.then === 'function';

/** A request never gives back: a negative cost is for code. */
function checkCost(cost: unknown, name: string): void {
  if (Number.isSafeInteger(cost) && (cost as number) >= 0) return;
  throw new RateLimitError('RL_COST_INVALID', `${name}: cost must be a whole number, not negative, got ${shown(cost)}`);
}

function checkFunction(value: unknown, what: string, name: string): void {
  if (typeof value === 'function') return;
  throw new RateLimitError('RL_OPTION_INVALID', `${name}: ${what} must be a function, got ${shown(value)}`);
}

/** What a policy without a name is called in the header fields: `3-per-1m`. */
function wireName(limit: PolicyOptions['limit'], window: Duration): string {
  const span = durationText(milliseconds(window));
  return typeof limit === 'number' ? `${limit}-per-${span}` : `per-${span}`;
}
