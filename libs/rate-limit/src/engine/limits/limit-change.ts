import { kindOf, shown } from '../../core/shown.js';
import { RateLimitError } from '../../core/errors.js';
import { checkKnownKeys, checkOneOf } from '../../core/checks.js';
import { LIVE_MODES, type LimitNumbers } from '../../core/limit-book.js';
import type { PolicyMode } from '../../core/policy.js';
import { checkLimit } from '../../core/quota-numbers.js';
import { keyOfApiKey } from '../identity/api-key.js';

/** A limit as its policy is defined. */
export interface DefinedLimit {
  /** The quota per window, in units. */
  readonly limit: number;
  /** The most units at once. */
  readonly burst: number;
  /** In milliseconds. For a calendar unit, the most that it usually lasts. It cannot be changed at run time. */
  readonly window: number;
  /** The window as people write it: `1m`, `day Europe/Berlin`. */
  readonly windowText: string;
  /** What the policy does with hits over the limit. */
  readonly mode: PolicyMode;
}

/** A limit as it applies now. */
export interface LiveLimit {
  /** The policy's name in the catalogue. */
  readonly policy: string;
  /** The key that the override is for; absent: the limit of all keys without an override. */
  readonly key?: string;
  /** The quota per window, in units. */
  readonly limit: number;
  /** The most units at once. */
  readonly burst: number;
  /** What the policy does with hits over the limit. */
  readonly mode: PolicyMode;
  /** The definition's numbers, which apply again when the limit is cleared. */
  readonly defined: DefinedLimit;
  /** The version of this limit's last change, larger than those of all earlier changes; 0: the limit is not set. */
  readonly version: number;
}

/**
 * New numbers, or a function that gets the current limit and returns them; `undefined` changes nothing.
 *
 * A `mode` that is left out stays as it was set. A `mode` alone leaves the limit and the burst as they are.
 */
export type LimitChange =
  LimitNumbers | ((current: LiveLimit) => LimitNumbers | undefined | Promise<LimitNumbers | undefined>);

/** A condition for a change. */
export interface LimitCondition {
  /** Change the limit only if it still has this version, which `get` or `list` returned. Default: any version. */
  version?: number;
}

/**
 * The key of an override, as the resolvers make it: `'user:42'`, `'ip:203.0.113.7'`. Or the text of an API key, of
 * which only a digest is stored.
 */
export type OverrideKey =
  | string
  | {
      /** An API key as clients send it. */
      readonly apiKey: string;
    };

/** Longer keys would fill every instance's memory. */
const LONGEST_OVERRIDE_KEY = 1_024;

/** @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_MODE_INVALID`, `RL_LIMIT_INVALID` */
export function readNumbers(numbers: LimitNumbers): LimitNumbers {
  checkKnownKeys(numbers, ['limit', 'burst', 'mode'], 'a limit change');
  // Read once: a getter may return something else the next time.
  const { limit, burst, mode } = numbers;
  if (mode !== undefined) checkOneOf(mode, LIVE_MODES, 'RL_MODE_INVALID', 'mode');
  if (limit === undefined && (mode === undefined || burst !== undefined)) checkLimit(limit);
  return { limit, burst, mode };
}

/** What an entry becomes by a change. A mode that is left out stays as it was set; a mode alone leaves the numbers. */
export const changedTo = (change: LimitNumbers, entry: LimitNumbers | undefined): LimitNumbers =>
  change.limit === undefined
    ? { limit: entry?.limit, burst: entry?.burst, mode: change.mode }
    : { ...change, mode: change.mode ?? entry?.mode };

/** @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_OPTION_INVALID` */
export function versionOf(condition: LimitCondition): number | undefined {
  checkKnownKeys(condition, ['version'], 'the condition of a limit change');
  const { version } = condition;
  if (version === undefined || (Number.isSafeInteger(version) && version >= 0)) return version;
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `version must be a version that limits.get() returned (0 if the limit is not set), got ${shown(version)}`,
  );
}

/** @throws RateLimitError `RL_KEY_INVALID` */
export function overrideKeyOf(key: OverrideKey): string {
  const text = typeof key === 'string' ? key : ofApiKey(key);
  // A lone surrogate is not valid UTF-8, so Redis would store another key.
  if (text !== undefined && text.length <= LONGEST_OVERRIDE_KEY && !/\p{Surrogate}/u.test(text)) return text;
  throw new RateLimitError(
    'RL_KEY_INVALID',
    `the key of an override must be text of at most ${LONGEST_OVERRIDE_KEY} characters, like 'user:42', or { apiKey }, got ${typeof key === 'string' ? shown(key) : kindOf(key)}`,
  );
}

function ofApiKey(key: unknown): string | undefined {
  const { apiKey } = (key ?? {}) as { apiKey?: unknown };
  return typeof apiKey === 'string' && apiKey !== '' ? keyOfApiKey(apiKey) : undefined;
}
