import type { Quota } from './algorithm.js';
import type { Duration } from './duration.js';
import {
  algorithmNames,
  algorithmOf,
  algorithmsThat,
  CONCURRENCY,
  defaultAlgorithm,
  hasSlots,
  type AlgorithmName,
  type WindowAlgorithm,
} from './algorithms/index.js';
import type { BlockRule } from './blocks/block.js';
import { blockRuleOf, type BlockFor } from './blocks/block-rule.js';
import { checkKnownKeys, checkOneOf } from './checks.js';
import { RateLimitError } from './errors.js';
import { leaseOf, refuseQuotaOptions } from './holds/lease.js';
import { burstOf, checkLimit, checkWarnAt, debtOf, LARGEST_LIMIT } from './quota-numbers.js';
import { shown } from './shown.js';
import type { Window } from './window.js';
import { windowOf, type WindowDefinition } from './window-of.js';

/**
 * What happens to a request when the store does not answer in time. `local`: this process's memory judges the policy.
 * `open`: the request is admitted. `closed`: it is refused with 503.
 */
export type StoreFailureMode = 'local' | 'open' | 'closed';

/**
 * - `enforce`: a hit over the limit is denied.
 * - `shadow`: the policy counts and reports as if it enforced, and denies nobody, to see what a limit would do.
 * - `record`: every hit is counted and none is denied, for callers that only report what they have used.
 */
export type PolicyMode = 'enforce' | 'shadow' | 'record';

/** A policy with a quota per window, as you write it. {@link definePolicy} checks it. */
export interface PolicyDefinition {
  /** Shown in the header fields and part of the stored key: 1 to 128 printable ASCII characters, not `@` first. */
  name: string;
  /** How it is judged. Default `fixed-window`. */
  algorithm?: WindowAlgorithm;
  /** The quota per window, in units. A request costs 1 unless `cost` says otherwise. 0 denies everything. */
  limit: number;
  /**
   * `'500ms'`, `'10s'`, `'15m'`, `'2h'`, `'1d'`, or a whole number of milliseconds; a thousand years at most. For
   * `fixed-window` also a calendar unit: `'day Europe/Berlin'`, `{ calendar: 'month', anchor: 15 }`.
   */
  window: WindowDefinition;
  /** The most units at once: `token-bucket` (default: the limit) and `gcra` (default: 1) only. */
  burst?: number;
  /**
   * When the store does not answer in time: `local` (default) judges the same policy in this process's memory, `open`
   * admits, `closed` answers 503.
   */
  onStoreFailure?: StoreFailureMode;
  /**
   * How long a caller over the limit stays blocked, even if quota returns earlier: `'15m'`, or spans that escalate,
   * `['1m', '10m', '1h']`. With a window longer than the block, callers still wait for the quota.
   * Default: no block; callers wait for the quota only.
   */
  blockFor?: BlockFor;
  /**
   * The most units over the limit that are recorded when a request turns out to cost more than was reserved for it. Nothing
   * is left then, and the next request waits. Default: as much as the limit. 0: what exceeds the limit is forgotten.
   */
  debt?: number;
  /** Default `enforce`, or the `mode` of the module or the limiter. */
  mode?: PolicyMode;
  /**
   * The part of what may pass at once (the burst, or the limit) after which `observer.nearLimit` reports a caller: above 0,
   * below 1. Default: never.
   */
  warnAt?: number;
  /**
   * How long what a request holds (`count`, `settle`) stays open after its process has died: 1 s to a day. Then the
   * estimate stays charged. A process that lives renews it. Default `'30s'`. What `reserve()` holds has a `ttl` instead.
   */
  lease?: Duration;
}

/**
 * A policy that limits how many requests run at the same time, as you write it. It has no window, and each request costs 1.
 * {@link definePolicy} checks it.
 *
 * @example `{ name: 'uploads', algorithm: 'concurrency', limit: 5, lease: '30s' }`
 */
export interface ConcurrencyDefinition extends Pick<PolicyDefinition, 'name' | 'onStoreFailure' | 'warnAt'> {
  /** It counts requests that have not ended. */
  algorithm: 'concurrency';
  /** How many requests may run at the same time. 0 denies everything. */
  limit: number;
  /**
   * How long the slot of a request stays taken after its process has died: 1 s to a day. A process that lives renews it.
   * Default `'30s'`.
   */
  lease?: Duration;
  /** Default `enforce`, or the `mode` of the module or the limiter. */
  mode?: Exclude<PolicyMode, 'record'>;
}

/** A definition of either kind before its options are checked, so also one that mixes the options of both. */
export type UncheckedDefinition = Partial<Omit<PolicyDefinition, 'algorithm'>> &
  Pick<PolicyDefinition, 'name' | 'limit'> & { algorithm?: AlgorithmName };

/** A checked policy: what a hit carries. Only {@link definePolicy} makes one. */
export interface Policy extends Quota {
  /** What the header fields call it. */
  readonly name: string;
  /** How it is judged. */
  readonly algorithm: AlgorithmName;
  /** Its window, with its text and its bounds; `window` is its length in milliseconds. */
  readonly period: Window;
  /**
   * Identifies the quota that it uses. It is made of the name, algorithm and window only, so a quota keeps what has
   * been used when its limit changes.
   */
  readonly id: string;
  /** As in the definition; `undefined`: the module's option applies. */
  readonly onStoreFailure: StoreFailureMode | undefined;
  /** The definition's `blockFor`; `undefined`: no block begins, and none is checked. */
  readonly blocks: BlockRule | undefined;
  /** The most units over the limit that may be recorded. */
  readonly debt: number;
  /** As in the definition. */
  readonly mode: PolicyMode;
  /** As in the definition; `undefined`: never reported. */
  readonly warnAt: number | undefined;
  /** How long a hold lasts without being renewed, in milliseconds. */
  readonly lease: number;
  /**
   * Whether a denial of a hit that holds nothing also considers what others hold, before it begins a block: where the
   * definition has `lease` or `debt`. Other policies with blocks need not pay for that.
   */
  readonly considersHolds: boolean;
  /** Whether its hits are only charged: it neither blocks nor records, and has a quota. */
  readonly isPlain: boolean;
}

/** The parts of a definition beside its name. A use of the policy elsewhere must not change them. */
export const DEFINING = [
  'algorithm',
  'limit',
  'window',
  'burst',
  'onStoreFailure',
  'blockFor',
  'debt',
  'mode',
  'lease',
  'warnAt',
] as const;
const DEFINITION_KEYS = ['name', ...DEFINING];
const MODES: readonly PolicyMode[] = ['enforce', 'shadow', 'record'];
const FAILURE_MODES: readonly StoreFailureMode[] = ['local', 'open', 'closed'];

/**
 * Checks a policy and returns what a hit carries, frozen. Defining the same policy twice gives the same quota.
 *
 * @param owner the route that the quota of an unnamed policy belongs to; stored, never shown
 * @throws RateLimitError naming the value and the fix: `RL_NAME_INVALID`, `RL_ALGORITHM_UNKNOWN`, `RL_LIMIT_INVALID`,
 *   `RL_WINDOW_INVALID`, `RL_BURST_INVALID`, `RL_PRECISION`, `RL_FAILURE_MODE_INVALID`, `RL_BLOCK_INVALID`,
 *   `RL_DEBT_INVALID`, `RL_MODE_INVALID`, `RL_LEASE_INVALID`, `RL_WARN_AT_INVALID`, `RL_OPTION_INVALID`,
 *   `RL_OPTION_UNKNOWN`
 */
// Wherever a union has PolicyDefinition, it is last: TypeScript's error names the missing property of the last type, which
// is most often a window.
export function definePolicy(definition: ConcurrencyDefinition | PolicyDefinition, owner?: string): Policy {
  return checkedPolicy(definition, owner);
}

/** {@link definePolicy} for options whose kind the types do not know. */
export function checkedPolicy(definition: UncheckedDefinition, owner?: string): Policy {
  checkKnownKeys(definition, DEFINITION_KEYS, 'a policy');
  // Read once: a getter may return something else the next time.
  const { name, algorithm = defaultAlgorithm, limit, window: span, burst: most, onStoreFailure, blockFor } = definition;
  const { debt: owed, mode = 'enforce', lease: given, warnAt } = definition;
  checkName(name);
  checkOneOf(algorithm, [...algorithmNames, CONCURRENCY], 'RL_ALGORITHM_UNKNOWN', 'algorithm');
  if (onStoreFailure !== undefined) checkFailureMode(onStoreFailure);
  checkLimit(limit);
  checkOneOf(mode, MODES, 'RL_MODE_INVALID', 'mode');
  const lease = leaseOf(given);
  const { code, weighsByWindow, calendarLua, countsHolds } = algorithmOf(algorithm);
  if (countsHolds)
    refuseQuotaOptions({ window: span, burst: most, blockFor, debt: owed, mode: mode === 'record' ? mode : undefined });

  const period = countsHolds ? windowOf(lease) : windowOf(span!);
  const window = period.length;
  const burst = burstOf(most, limit, algorithm);
  if (warnAt !== undefined) checkWarnAt(warnAt, algorithm, burst);
  if (period.isCalendar && calendarLua === undefined) {
    throw new RateLimitError(
      'RL_WINDOW_INVALID',
      `${algorithm} does not take calendar windows (${shown(period.text)}); use ${algorithmsThat((other) => other.calendarLua !== undefined)}, or a span like '1d'`,
    );
  }
  if (weighsByWindow && !Number.isSafeInteger(burst * window)) {
    throw new RateLimitError(
      'RL_PRECISION',
      `${algorithm} counts exactly only while ${most === undefined ? 'limit' : 'burst'} × window in ms stays below 2^53: ` +
        `${burst} in ${window} ms exceeds that; use at most ${Math.floor(Number.MAX_SAFE_INTEGER / window)}, a shorter window, or ${algorithmsThat((other) => !other.weighsByWindow)}`,
    );
  }
  // Slots that are taken stay taken when the lease changes.
  const id = `${owner ?? name}:${code}${countsHolds ? '' : period.id}`;
  const blocks = blockFor === undefined ? undefined : blockRuleOf(blockFor);
  const countable = weighsByWindow ? Math.floor(Number.MAX_SAFE_INTEGER / window) - burst : LARGEST_LIMIT;
  const debt = debtOf(owed, limit, countable);
  const isPlain = blocks === undefined && mode !== 'record' && !countsHolds;
  const considersHolds = given !== undefined || owed !== undefined;
  return checked({
    name,
    algorithm,
    limit,
    window,
    period,
    burst,
    id,
    onStoreFailure,
    blocks,
    debt,
    mode,
    warnAt,
    lease,
    considersHolds,
    isPlain,
  });
}

/** What one of several instances may spend of a quota by itself: rounded down, but at least 1 unless the quota is 0. */
export function shareOf(policy: Policy, instances: number): Policy {
  const share = (units: number): number => (units === 0 ? 0 : Math.max(1, Math.floor(units / instances)));
  return checked({ ...policy, limit: share(policy.limit), burst: share(policy.burst), debt: share(policy.debt) });
}

/**
 * The policy with the lower limit, burst and debt of two policies that share a quota. If either one blocks, it blocks. If
 * either one enforces, it enforces; if either one is in shadow, it is.
 */
export function atMost(policy: Policy, other: Policy): Policy {
  const limit = Math.min(policy.limit, other.limit);
  const burst = Math.min(policy.burst, other.burst);
  const debt = Math.min(policy.debt, other.debt);
  const blocks = policy.blocks ?? other.blocks;
  const mode = MODES.indexOf(other.mode) < MODES.indexOf(policy.mode) ? other.mode : policy.mode;
  const isAsLow = limit === policy.limit && burst === policy.burst && debt === policy.debt;
  if (isAsLow && blocks === policy.blocks && mode === policy.mode) return policy;
  const isPlain = blocks === undefined && mode !== 'record' && !hasSlots(policy);
  return checked({ ...policy, limit, burst, debt, blocks, mode, isPlain });
}

/** The same quota, but every hit on it is counted and none is denied. */
export function recording(policy: Policy): Policy {
  if (policy.mode === 'record') return policy;
  let recorded = recordings.get(policy);
  if (!recorded) recordings.set(policy, (recorded = checked({ ...policy, mode: 'record', isPlain: false })));
  return recorded;
}
const recordings = new WeakMap<Policy, Policy>();

/** The same numbers for another quota. */
export const withId = (policy: Policy, id: string): Policy => checked({ ...policy, id });

/** Not enumerable: a changed copy must not count as checked. */
const checked = (policy: Policy): Policy => Object.freeze(Object.defineProperty(policy, CHECKED, { value: true }));

/** Marks what definePolicy() returned, also across two copies of this package in one process. */
const CHECKED = Symbol.for('nestjs-redis-rate-limit/checked');

export const isChecked = (policy: unknown): policy is Policy =>
  typeof policy === 'object' && policy !== null && (policy as { [CHECKED]?: boolean })[CHECKED] === true;

/** @throws RateLimitError `RL_FAILURE_MODE_INVALID` */
export function checkFailureMode(mode: unknown): asserts mode is StoreFailureMode {
  checkOneOf(mode, FAILURE_MODES, 'RL_FAILURE_MODE_INVALID', 'onStoreFailure');
}

function checkName(name: unknown): asserts name is string {
  // An RFC 9651 string holds exactly these characters. Other names are refused, never changed.
  // A leading @ is reserved for the quotas of routes.
  if (typeof name === 'string' && /^(?!@)[\x20-\x7E]{1,128}$/.test(name)) return;
  throw new RateLimitError(
    'RL_NAME_INVALID',
    `a policy's name must be 1 to 128 printable ASCII characters (header fields carry it) and must not begin with @, got ${shown(name)}`,
  );
}
