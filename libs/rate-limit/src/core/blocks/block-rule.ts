import type { BlockRule } from './block.js';
import { milliseconds, type Duration } from '../duration.js';
import { RateLimitError } from '../errors.js';
import { shown } from '../shown.js';
import { checkKnownKeys } from '../checks.js';

/** A block, spelled out. */
export interface BlockOptions {
  /** How long. Of a list each going-over takes the next one, and the last is that of all further ones. */
  spans: Duration | readonly Duration[];
  /** Whether a request that a block denies begins it anew. Default `false`: it ends when it was said to end. */
  extend?: boolean;
  /** How long after a block's end the next one still counts as a further one. Default: the longest of the spans. */
  forgetAfter?: Duration;
}

/**
 * For how long who goes over is denied: a span, spans that escalate, or both with more to say. 0: not by itself, but
 * `RateLimiter.block()` can.
 *
 * @useDeclaredType
 */
export type BlockFor = Duration | readonly Duration[] | BlockOptions;

export const BLOCK_KEYS = ['spans', 'extend', 'forgetAfter'];

/** More steps than these nobody can tell apart. */
const MOST_STEPS = 20;

/** @throws RateLimitError `RL_BLOCK_INVALID`, `RL_OPTION_UNKNOWN` */
export function blockRuleOf(blockFor: BlockFor): BlockRule {
  const { spans: said, extend = false, forgetAfter: quiet } = optionsOf(blockFor);
  // Array.from also sees the holes of a list with a comma too many.
  const spans = Array.from(Array.isArray(said) ? (said as readonly Duration[]) : [said as Duration], spanOf);
  const isNone = spans.length === 1 && spans[0] === 0;
  if (spans.length === 0 || spans.length > MOST_STEPS || (!isNone && spans.includes(0))) {
    throw invalid(`blockFor takes 1 to ${MOST_STEPS} spans, each longer than 0, or 0 alone`, said);
  }
  if (typeof extend !== 'boolean') throw invalid('extend must be true or false', extend);
  const remembered = quiet === undefined ? Math.max(...spans) : spanOf(quiet);
  // Of one span alone nothing has to be remembered.
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
 * A span of a block in milliseconds; 0 is one.
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
