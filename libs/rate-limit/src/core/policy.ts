import type { Quota } from './algorithm.js';
import {
  algorithmNames,
  algorithmOf,
  algorithmsThat,
  defaultAlgorithm,
  type AlgorithmName,
} from './algorithms/index.js';
import type { BlockRule } from './blocks/block.js';
import { blockRuleOf, type BlockFor } from './blocks/block-rule.js';
import { checkKnownKeys, checkOneOf } from './checks.js';
import type { Duration } from './duration.js';
import { RateLimitError } from './errors.js';
import { shown } from './shown.js';
import { windowOf, type Window } from './window.js';

/**
 * What happens to a request when the store gives no answer in time: `local`, the policy is judged in this process's
 * memory; `open`, the request is admitted; `closed`, it is refused with 503.
 */
export type StoreFailureMode = 'local' | 'open' | 'closed';

/** A rule as it is written down. {@link definePolicy} checks it. */
export interface PolicyDefinition {
  /** Shown in the header fields and part of the stored key: 1 to 128 printable ASCII characters, the first no `@`. */
  name: string;
  /** How it is judged. Default `fixed-window`. */
  algorithm?: AlgorithmName;
  /** The quota per window, in units; a request costs 1 unless it says otherwise. 0 denies everything. */
  limit: number;
  /** `'500ms'`, `'10s'`, `'15m'`, `'2h'`, `'1d'`, or a whole number of milliseconds; a thousand years at most. */
  window: Duration;
  /** The most units at once: `token-bucket` (default: the limit) and `gcra` (default: 1) only. */
  burst?: number;
  /**
   * When the store gives no answer in time: `local` (default) judges the same policy in this process's memory,
   * `open` admits, `closed` answers 503.
   */
  onStoreFailure?: StoreFailureMode;
  /**
   * Who goes over is denied for so long, even if the quota is back sooner: `'15m'`, or spans that escalate,
   * `['1m', '10m', '1h']`. Under a window longer than the first of them the quota keeps out for longer than the block.
   * Default: as long as the quota says.
   */
  blockFor?: BlockFor;
}

/** A checked rule: what a hit carries. Made by {@link definePolicy} only. */
export interface Policy extends Quota {
  /** What the header fields call it. */
  readonly name: string;
  /** How it is judged. */
  readonly algorithm: AlgorithmName;
  /** Its window as a value, which knows its text and its seconds; `window` is the length of it. */
  readonly period: Window;
  /**
   * Which state it judges: its name, algorithm and window, and nothing else, so that raising a limit keeps what has
   * been used.
   */
  readonly id: string;
  /** As the definition says; `undefined`: as the module's options say. */
  readonly onStoreFailure: StoreFailureMode | undefined;
  /** What `blockFor` of the definition says; `undefined`: nobody is blocked, and nobody looks for a block. */
  readonly blocks: BlockRule | undefined;
}

/** The draft's header fields carry no larger number, and no smaller one is worth a unit of its own. */
const LARGEST_LIMIT = 999_999_999_999_999;
const DEFINITION_KEYS = ['name', 'algorithm', 'limit', 'window', 'burst', 'onStoreFailure', 'blockFor'];
const FAILURE_MODES: readonly StoreFailureMode[] = ['local', 'open', 'closed'];

/**
 * Checks a rule and returns what a hit carries. Frozen; defining the same rule twice gives the same quota.
 *
 * @param owner what the quota of a policy without a name of its own belongs to, a route; stored, never shown
 * @throws RateLimitError naming the value and the fix: `RL_NAME_INVALID`, `RL_ALGORITHM_UNKNOWN`, `RL_LIMIT_INVALID`,
 *   `RL_WINDOW_INVALID`, `RL_BURST_INVALID`, `RL_PRECISION`, `RL_FAILURE_MODE_INVALID`, `RL_BLOCK_INVALID`,
 *   `RL_OPTION_UNKNOWN`
 */
export function definePolicy(definition: PolicyDefinition, owner?: string): Policy {
  checkKnownKeys(definition, DEFINITION_KEYS, 'a policy');
  // Read once: a getter may say something else the next time.
  const { name, algorithm = defaultAlgorithm, limit, window: span, burst: most, onStoreFailure, blockFor } = definition;
  checkName(name);
  checkOneOf(algorithm, algorithmNames, 'RL_ALGORITHM_UNKNOWN', 'algorithm');
  if (onStoreFailure !== undefined) checkFailureMode(onStoreFailure);
  checkLimit(limit);

  const period = windowOf(span);
  const window = period.length;
  const burst = burstOf(most, limit, algorithm);
  const { code, weighsByWindow } = algorithmOf(algorithm);
  if (weighsByWindow && !Number.isSafeInteger(burst * window)) {
    throw new RateLimitError(
      'RL_PRECISION',
      `${algorithm} counts exactly only while ${most === undefined ? 'limit' : 'burst'} × window in ms stays below 2^53: ` +
        `${burst} in ${window} ms is over; use at most ${Math.floor(Number.MAX_SAFE_INTEGER / window)}, a shorter window, or ${algorithmsThat((other) => !other.weighsByWindow)}`,
    );
  }
  const id = `${owner ?? name}:${code}${period.id}`;
  const blocks = blockFor === undefined ? undefined : blockRuleOf(blockFor);
  return checked({ name, algorithm, limit, window, period, burst, id, onStoreFailure, blocks });
}

/** What one of several instances may spend of a quota by itself: rounded down, but of some quota never nothing. */
export function shareOf(policy: Policy, instances: number): Policy {
  const share = (units: number): number => (units === 0 ? 0 : Math.max(1, Math.floor(units / instances)));
  return checked({ ...policy, limit: share(policy.limit), burst: share(policy.burst) });
}

/** Not enumerable: a copy that somebody changed is not a checked policy any more. */
const checked = (policy: Policy): Policy => Object.freeze(Object.defineProperty(policy, CHECKED, { value: true }));

/** Marks what definePolicy() returned, across two copies of this package. */
const CHECKED = Symbol.for('nestjs-redis-rate-limit/checked');

export const isChecked = (policy: unknown): policy is Policy =>
  typeof policy === 'object' && policy !== null && (policy as { [CHECKED]?: boolean })[CHECKED] === true;

/** @throws RateLimitError `RL_LIMIT_INVALID` */
export function checkLimit(limit: unknown): asserts limit is number {
  if (Number.isSafeInteger(limit) && (limit as number) >= 0 && (limit as number) <= LARGEST_LIMIT) return;
  throw new RateLimitError(
    'RL_LIMIT_INVALID',
    `limit must be a whole number from 0 to ${LARGEST_LIMIT}, got ${shown(limit)}`,
  );
}

/** @throws RateLimitError `RL_FAILURE_MODE_INVALID` */
export function checkFailureMode(mode: unknown): asserts mode is StoreFailureMode {
  checkOneOf(mode, FAILURE_MODES, 'RL_FAILURE_MODE_INVALID', 'onStoreFailure');
}

function checkName(name: unknown): asserts name is string {
  // RFC 9651 strings hold exactly these characters; a name that cannot be written is refused, never changed.
  // A leading @ is how quotas of routes are filed.
  if (typeof name === 'string' && /^(?!@)[\x20-\x7E]{1,128}$/.test(name)) return;
  throw new RateLimitError(
    'RL_NAME_INVALID',
    `a policy's name must be 1 to 128 printable ASCII characters, because the header fields carry it, and not begin with @, got ${shown(name)}`,
  );
}

function burstOf(burst: number | undefined, limit: number, algorithm: AlgorithmName): number {
  const { defaultBurst } = algorithmOf(algorithm);
  if (burst === undefined) return typeof defaultBurst === 'number' ? defaultBurst : limit;
  if (defaultBurst === undefined) {
    throw new RateLimitError(
      'RL_BURST_INVALID',
      `${algorithm} takes no burst (its burst is its limit), got ${shown(burst)}; leave it out, or use ${algorithmsThat((other) => other.defaultBurst !== undefined)}`,
    );
  }
  if (Number.isSafeInteger(burst) && burst >= 1 && burst <= LARGEST_LIMIT) return burst;
  throw new RateLimitError(
    'RL_BURST_INVALID',
    `burst must be a whole number of units, at least 1, got ${shown(burst)}`,
  );
}
