import { kindOf, shown } from '../../core/shown.js';
import { RateLimitError } from '../../core/errors.js';
import { checkKnownKeys } from '../../core/checks.js';
import type { LimitNumbers } from '../../core/limit-book.js';
import { keyOfApiKey } from '../identity/api-key.js';

/** A limit as its policy is defined. */
export interface DefinedLimit {
  /** The quota per window, in units. */
  readonly limit: number;
  /** The most units at once. */
  readonly burst: number;
  /** In milliseconds. It holds whatever is set. */
  readonly window: number;
}

/** A limit as it holds now. */
export interface LiveLimit {
  /** The policy's name in the catalogue. */
  readonly policy: string;
  /** Whose limit it is; absent: that of all who have none of their own. */
  readonly key?: string;
  /** The quota per window, in units. */
  readonly limit: number;
  /** The most units at once. */
  readonly burst: number;
  /** What the code says, which holds again when the limit is cleared. */
  readonly defined: DefinedLimit;
  /** Of this limit's last change, and later than that of every earlier change; 0: it is not set. */
  readonly version: number;
}

/** New numbers, or how to find them from those that hold; `undefined`: leave them. */
export type LimitChange =
  LimitNumbers | ((current: LiveLimit) => LimitNumbers | undefined | Promise<LimitNumbers | undefined>);

/** On which condition a limit is changed. */
export interface LimitCondition {
  /** Only if this still is the version of the limit, as `get` or `list` told it. Default: whatever it is. */
  version?: number;
}

/** Whose override: a key as the resolvers give it, `'user:42'`, `'ip:203.0.113.7'`, or the text of an API key, of which a digest is kept. */
export type OverrideKey =
  | string
  | {
      /** An API key as clients send it. */
      readonly apiKey: string;
    };

/** Longer keys would fill every instance's memory. */
const LONGEST_OVERRIDE_KEY = 1_024;

/** @throws RateLimitError `RL_OPTION_UNKNOWN` */
export function readNumbers(numbers: LimitNumbers): LimitNumbers {
  checkKnownKeys(numbers, ['limit', 'burst'], 'the change of a limit');
  // Read once: a getter may say something else the next time.
  const { limit, burst } = numbers;
  return { limit, burst };
}

/** @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_OPTION_INVALID` */
export function versionOf(condition: LimitCondition): number | undefined {
  checkKnownKeys(condition, ['version'], 'the condition of a change');
  const { version } = condition;
  if (version === undefined || (Number.isSafeInteger(version) && version >= 0)) return version;
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `version must be that of a limit, as get() tells it, 0 for one that is not set, got ${shown(version)}`,
  );
}

/** @throws RateLimitError `RL_KEY_INVALID` */
export function overrideKeyOf(key: OverrideKey): string {
  const text = typeof key === 'string' ? key : ofApiKey(key);
  // What is no text in UTF-8 would be another key in Redis.
  if (text !== undefined && text.length <= LONGEST_OVERRIDE_KEY && !/\p{Surrogate}/u.test(text)) return text;
  throw new RateLimitError(
    'RL_KEY_INVALID',
    `an override is for a key of at most ${LONGEST_OVERRIDE_KEY} characters, like 'user:42', or { apiKey }, got ${typeof key === 'string' ? shown(key) : kindOf(key)}`,
  );
}

function ofApiKey(key: unknown): string | undefined {
  const { apiKey } = (key ?? {}) as { apiKey?: unknown };
  return typeof apiKey === 'string' && apiKey !== '' ? keyOfApiKey(apiKey) : undefined;
}
