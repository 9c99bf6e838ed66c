import type { BlockRule } from './block.js';
import { milliseconds, type Duration } from '../duration.js';
import { RateLimitError } from '../errors.js';
import { shown } from '../shown.js';
import { checkKnownKeys } from '../checks.js';

/** {@link BlockFor} with all options. */
export interface BlockOptions {
  /** How long a block lasts. In a list: the first block of a key, the next one and so on; the last span repeats. */
  spans: Duration | readonly Duration[];
  /** Whether a request that a block denies starts the block's span again. Default `false`. */
  extend?: boolean;
  /** A block that begins within this time after the last one's end takes the next span. Default: the longest span. */
  forgetAfter?: Duration;
}

/**
 * How long a caller over the limit stays blocked: a span, a list of spans that escalate, or an object with options.
 * 0: only `RateLimiter.block()` begins a block.
 *
 * @useDeclaredType
 */
export type BlockFor = Duration | readonly Duration[] | BlockOptions;

export const BLOCK_KEYS = ['spans', 'extend', 'forgetAfter'];

/** Longer lists are surely a mistake. */
const MOST_STEPS = 20;

/** @throws RateLimitError `RL_BLOCK_INVALID`, `RL_OPTION_UNKNOWN` */
export function blockRuleOf(blockFor: BlockFor): BlockRule {
  const { spans: said, extend = false, forgetAfter: quiet } = optionsOf(blockFor);
  // Array.from also reads the holes that a stray comma leaves in a list.
  const spans = Array.from(Array.isArray(said) ? (said as readonly Duration[]) : [said as Duration], spanOf);
  const isNone = spans.length === 1 && spans[0] === 0;
  if (spans.length === 0 || spans.length > MOST_STEPS || (!isNone && spans.includes(0))) {
    throw invalid(`blockFor takes 1 to ${MOST_STEPS} spans, each longer than 0, or 0 alone`, said);
  }
  if (typeof extend !== 'boolean') throw invalid('blockFor.extend must be true or false', extend);
  const remembered = quiet === undefined ? Math.max(...spans) : spanOf(quiet);
  // With a single span the next block is the same, so nothing needs to be remembered.
  const forgetAfter = spans.length === 1 ? 0 : remembered;
  const text = [Number(extend), forgetAfter, ...spans].join(' ');
  return Object.freeze({ spans: Object.freeze(spans), extend, forgetAfter, text });
}

const optionsOf = (blockFor: BlockFor): BlockOptions => {
  if (typeof blockFor !== 'object' || blockFor === null || Array.isArray(blockFor)) {
    return { spans: blockFor as Duration };
  }
  checkKnownKeys(blockFor, BLOCK_KEYS, 'blockFor');
  return blockFor as BlockOptions;
};

/**
 * A block's span in milliseconds; 0 is allowed.
 *
 * @throws RateLimitError `RL_BLOCK_INVALID`
 */
export function spanOf(span: Duration): number {
  if (Object.is(span, 0) || (typeof span === 'string' && /^0+(ms|s|m|h|d)$/.test(span))) return 0;
  try {
    return milliseconds(span);
  } catch {
    throw invalid(
      `a block's span must be like '500ms', '10s', '15m', '2h' or '1d', at most '365000d', or a whole number of ms`,
      span,
    );
  }
}

const invalid = (rule: string, value: unknown): RateLimitError =>
  new RateLimitError('RL_BLOCK_INVALID', `${rule}, got ${shown(value)}`);
