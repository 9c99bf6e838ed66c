import type { ExecutionContext } from '@nestjs/common';
import { after } from '../../core/after.js';
import { CONCURRENCY, hasSlots, type AlgorithmName } from '../../core/algorithms/index.js';
import { refuseBareNumbers } from '../../core/bare-numbers.js';
import { shown } from '../../core/shown.js';
import { checkKnownKeys } from '../../core/checks.js';
import { RateLimitError } from '../../core/errors.js';
import { LivePolicy } from '../../engine/limits/live-policy.js';
import { LIST_KEYS, listsOf, type Lists } from '../../engine/lists/lists.js';
import type { PolicySource } from '../../engine/policy-source.js';
import { PolicyVariants } from '../../engine/policy-variants.js';
import { DEFAULT_LEASE } from '../../core/holds/lease.js';
import { DEFINING } from '../../core/policy.js';
import { windowOf } from '../../core/window-of.js';
import { byIp } from '../keys/by-ip.js';
import { finalCostOf, type FinalCost } from '../ending/final-cost.js';
import { checkResolver } from '../keys/check-resolver.js';
import type { KeyResolver, Partition, Phase } from '../keys/key-resolver.js';
import type { PolicyOptions, PolicyReference, PolicyUse } from '../options.js';
import type { Call } from '../request/call.js';
import { noted } from '../request/odd-keys.js';
import { checkCost } from '../request/per-request.js';
import { Lookup } from '../resolve/lookup.js';
import { lookupOf } from '../resolve/lookup-of.js';
import { RESOLVE_KEYS } from '../resolve/resolved-policy.js';
import { LimitByRequest } from './limit-by-request.js';

/** A policy of either kind as it is written, before its options are checked, so also one that mixes both kinds. */
export type WrittenPolicy = Partial<Omit<PolicyOptions, 'algorithm'>> &
  Pick<PolicyOptions, 'limit'> & { algorithm?: AlgorithmName };

/** A policy as a handler uses it: its numbers, its key, its cost. Compiled once, when the application starts. */
export interface Rule {
  readonly name: string;
  /** Whether it has no name. Then each handler has its own quota, and `name` is only for the header fields. */
  readonly isUnnamed: boolean;
  readonly source: PolicySource<Call>;
  /** `tried`: early, unless its functions read the caller's identity before a guard has set it. */
  readonly phase: Phase | 'tried';
  /** Whether it has functions of the application and no `phase`. */
  readonly isWatched: boolean;
  /** The key of a call. */
  key(call: Call): Partition | Promise<Partition>;
  /** The cost of a call. If it depends on the call: 1, as an example for documents. */
  readonly cost: number;
  /** The cost of a call, if it depends on the call. */
  readonly costOf: ((call: Call) => number | Promise<number>) | undefined;
  /** What a call costs in the end; `undefined` if its charge is final at once. */
  readonly final: FinalCost | undefined;
  readonly skip: ((context: ExecutionContext) => boolean | Promise<boolean>) | undefined;
  readonly lists: Lists | undefined;
  /** Whether each handler has its own quota, although the policy has a name. */
  readonly isPerHandler: boolean;
  /** The options of this use, for another use that changes some of them. */
  readonly use: Readonly<PolicyUse>;
  /** The definition as it is written. */
  readonly written: Readonly<WrittenPolicy>;
}

const USE_KEYS = ['key', 'cost', 'count', 'settle', 'skip', 'phase', 'per', ...LIST_KEYS];
export const RULE_KEYS = ['name', ...DEFINING, ...USE_KEYS, ...RESOLVE_KEYS];

/**
 * Compiles a policy and its use.
 *
 * @param owner the route that a policy without a name belongs to
 * @throws RateLimitError for every mistake that can be found at boot
 */
export function ruleOf(options: WrittenPolicy, owner?: string): Rule {
  checkKnownKeys(options, RULE_KEYS, 'a policy');
  if (options.limit === undefined && options.window === undefined) {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `a policy needs limit and window, as in { limit: 10, window: '1m' }, or the name of one that has them`,
    );
  }
  const isUnnamed = options.name === undefined;
  const name = !isUnnamed ? options.name! : options.resolve ? LOOKED_UP : wireName(options);
  return compiled({ name, isUnnamed, source: sourceOf(options, name, owner), written: options }, options);
}

/** The same policy in another use. Fields that `use` leaves out stay as they were. */
export const withUse = (rule: Rule, use: PolicyUse): Rule => compiled(rule, use, rule);

/** The same policy in a use that stands for itself. */
export const inUse = (rule: Rule, use: PolicyUse): Rule => compiled(rule, use);

/**
 * The same policy with the handler's own quota, and with the numbers that the handler sets. If it sets none, it follows
 * changes of the policy's limit.
 *
 * @param owner what the route's own quotas are filed under
 * @throws RateLimitError as {@link ruleOf} does
 */
export function ruleOfHandler(rule: Rule, use: PolicyReference, owner: string): Rule {
  const { name, written, source } = rule;
  const own = DEFINING.filter((part) => use[part] !== undefined);
  const { count, settle } = { ...rule.use, ...use };
  const options = { ...written, count, settle, ...Object.fromEntries(own.map((part) => [part, use[part]])) };
  const leader = own.length === 0 && source instanceof LivePolicy ? source : undefined;
  return compiled({ ...rule, source: sourceOf(options, name, `${owner}##${name}`, leader) }, use, rule);
}

function sourceOf(options: WrittenPolicy, name: string, owner?: string, leader?: LivePolicy): PolicySource<Call> {
  const { algorithm, limit, window, burst, onStoreFailure, blockFor, debt, mode, warnAt, lease } = options;
  refuseBareNumbers(options);
  // If the limit is a function, the rest of the definition is still checked.
  const fixed = typeof limit === 'function' ? 1 : limit;
  // Even a hit without a hold must not begin a block because of what others hold.
  const isHeld = options.count !== undefined || options.settle !== undefined;
  const definition = {
    ...{ name, algorithm, limit: fixed, window, burst, onStoreFailure, blockFor, debt, mode, warnAt },
    lease: lease ?? (isHeld ? DEFAULT_LEASE : undefined),
  };
  const variants = new PolicyVariants(definition, owner);
  const lookup = lookupOf(options, variants);
  if (lookup) return lookup;
  return typeof limit === 'function' ? new LimitByRequest(variants, limit) : new LivePolicy(variants, leader);
}

function compiled(
  { name, isUnnamed, source, written }: Pick<Rule, 'name' | 'isUnnamed' | 'source' | 'written'>,
  given: PolicyUse,
  before?: Rule,
): Rule {
  const use = {
    key: given.key ?? before?.use.key ?? byIp,
    cost: given.cost ?? before?.use.cost ?? 1,
    count: given.count ?? (given.settle ? undefined : before?.use.count),
    settle: given.settle ?? (given.count ? undefined : before?.use.settle),
    skip: given.skip ?? before?.use.skip,
    phase: given.phase ?? (given.key ? undefined : before?.use.phase),
    per: given.per ?? before?.use.per,
  };
  checkResolver(use.key, `${name}: key`);
  if (use.skip !== undefined) checkFunction(use.skip, 'skip', name);
  if (use.per !== undefined && use.per !== 'handler') {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `${name}: per must be 'handler', got ${shown(use.per)}; leave it out to share one quota`,
    );
  }
  const isSlot = hasSlots(source.own);
  const phase = phaseOf(use, source, name);
  if (isSlot && use.cost !== 1) {
    throw new RateLimitError(
      'RL_COST_INVALID',
      `${name}: concurrency counts requests, so it takes no cost, got ${shown(use.cost)}; leave it out`,
    );
  }
  if (typeof use.cost !== 'function') checkFixedCost(use.cost, name, source);
  return {
    name,
    isUnnamed,
    source,
    phase,
    isWatched: phase === 'tried' || (phase === 'early' && !use.phase && isByRequest(use, source)),
    key: keyFor(use.key, source),
    cost: typeof use.cost === 'function' ? 1 : use.cost,
    costOf: costFor(use.cost, source),
    final: finalCostOf(use, isSlot, name),
    skip: use.skip,
    lists: listsOf(given, before?.lists, `${name}: `),
    isPerHandler: use.per === 'handler',
    use,
    written,
  };
}

/** The phase that is set, otherwise that of the key. A lookup is also late if its cache's key is late. */
function phaseOf({ phase: said, key }: PolicyUse, source: PolicySource<Call>, name: string): Rule['phase'] {
  const isLookup = source instanceof Lookup;
  const needed = isLookup && source.by?.phase === 'late' ? 'late' : key!.phase;
  const phase = said ?? needed;
  if (phase !== undefined && phase !== 'early' && phase !== 'late') {
    throw new RateLimitError('RL_PHASE_INVALID', `${name}: phase must be 'early' or 'late', got ${shown(phase)}`);
  }
  // It is unknown what the application's resolve function reads.
  const isUnknown = said === undefined && isLookup && phase === 'early';
  return phase === undefined || isUnknown ? 'tried' : phase;
}

/** Whether the policy has a `skip`, `cost` or `limit` function of the application. */
const isByRequest = ({ skip, cost }: PolicyUse, { varies }: PolicySource<Call>): boolean =>
  skip !== undefined || typeof cost === 'function' || varies === 'limit';

/** Built-in keys need no check: they fall back to the address. */
function keyFor(own: KeyResolver, source: PolicySource<Call>): Rule['key'] {
  const isBuiltIn = own.phase !== undefined && (own === byIp || own.own !== undefined);
  if (source instanceof Lookup) return (call) => after(source.keyOf(call, own), (key) => noted(key, call, source));
  const key: Rule['key'] = (call) => own(call.context, call.request, call.settings.keys);
  return isBuiltIn ? key : (call) => after(key(call), (found) => noted(found, call, source));
}

function costFor(cost: NonNullable<PolicyUse['cost']>, source: PolicySource<Call>): Rule['costOf'] {
  const own = typeof cost === 'function' ? (call: Call) => cost(call.context) : undefined;
  if (!(source instanceof Lookup)) return own;
  return (call) => source.costOf(call) ?? (own ? own(call) : (cost as number));
}

function checkFixedCost(cost: number, name: string, source: PolicySource<Call>): void {
  checkCost(cost, name);
  if (source instanceof LivePolicy) source.noteCost(cost);
  const { algorithm, limit, burst } = source.own;
  if (source.varies === 'limit' || limit === 0 || cost <= burst) return;
  const most = `${algorithm}, limit ${limit}${burst === limit ? '' : `, burst ${burst}`}`;
  throw new RateLimitError(
    'RL_COST_NEVER_PASSES',
    `${name}: a request of cost ${cost} can never pass (${most}); lower the cost, or allow at least ${cost} at once`,
  );
}

function checkFunction(value: unknown, what: string, name: string): void {
  if (typeof value === 'function') return;
  throw new RateLimitError('RL_OPTION_INVALID', `${name}: ${what} must be a function, got ${shown(value)}`);
}

/** The name of unnamed policies with `resolve`. */
const LOOKED_UP = 'resolved';

/** The name of an unnamed policy in the header fields: `3-per-1m`, `3-per-day`, `3-at-once`. */
function wireName({ algorithm, limit, window }: WrittenPolicy): string {
  if (algorithm === CONCURRENCY) return typeof limit === 'number' ? `${limit}-at-once` : 'at-once';
  const [span] = windowOf(window!).text.split(' ');
  return typeof limit === 'number' ? `${limit}-per-${span}` : `per-${span}`;
}
