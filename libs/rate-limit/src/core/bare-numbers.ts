import type { BlockFor, BlockOptions } from './blocks/block-rule.js';
import { RateLimitError } from './errors.js';

/**
 * Refuses spans that are written as a number and most likely meant in seconds: 60 would be 60 milliseconds. For what
 * people write by hand, in options and decorators. Code that computes spans calls `definePolicy()`, which takes them.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID`, `RL_BLOCK_INVALID`
 */
export function refuseBareNumbers({ window, blockFor }: { window?: unknown; blockFor?: unknown }): void {
  refuseBareNumber(window, 'RL_WINDOW_INVALID', 'window');
  for (const span of blockSpans(blockFor as BlockFor)) refuseBareNumber(span, 'RL_BLOCK_INVALID', 'blockFor');
}

/** @throws RateLimitError with this code */
export function refuseBareNumber(span: unknown, code: string, what: string): void {
  if (!Number.isSafeInteger(span) || (span as number) < 1 || (span as number) >= 1_000) return;
  throw new RateLimitError(
    code,
    `${what}: a number is milliseconds, so one below 1000 needs its unit: '${span as number}s' or '${span as number}ms', got ${span as number}`,
  );
}

/** What else is wrong with them is said where they are read. */
function blockSpans(blockFor: BlockFor | null | undefined): unknown[] {
  const isSpelledOut = typeof blockFor === 'object' && blockFor !== null && !Array.isArray(blockFor);
  const { spans, forgetAfter } = isSpelledOut
    ? (blockFor as BlockOptions)
    : { spans: blockFor, forgetAfter: undefined };
  return [spans, forgetAfter].flat();
}
