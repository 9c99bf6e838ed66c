import type { BlockFor, BlockOptions } from './blocks/block-rule.js';
import { RateLimitError } from './errors.js';

/**
 * Refuses small bare numbers in options and decorators: 60 would be 60 milliseconds, but most people mean seconds. Code
 * that computes spans uses `definePolicy()`, which accepts them.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID`, `RL_LEASE_INVALID`, `RL_BLOCK_INVALID`
 */
export function refuseBareNumbers({
  window,
  blockFor,
  lease,
}: {
  window?: unknown;
  blockFor?: unknown;
  lease?: unknown;
}): void {
  refuseBareNumber(window, 'RL_WINDOW_INVALID', 'window');
  refuseBareNumber(lease, 'RL_LEASE_INVALID', 'lease');
  for (const span of blockSpans(blockFor as BlockFor)) refuseBareNumber(span, 'RL_BLOCK_INVALID', 'blockFor');
}

/** @throws RateLimitError with this code */
export function refuseBareNumber(span: unknown, code: string, what: string): void {
  if (!Number.isSafeInteger(span) || (span as number) < 1 || (span as number) >= 1_000) return;
  throw new RateLimitError(
    code,
    `${what}: ${span as number} means ${span as number} milliseconds; write '${span as number}s' for seconds, or '${span as number}ms' if milliseconds are meant`,
  );
}

/** Other mistakes in them are reported where the spans are read. */
function blockSpans(blockFor: BlockFor | null | undefined): unknown[] {
  const isSpelledOut = typeof blockFor === 'object' && blockFor !== null && !Array.isArray(blockFor);
  const { spans, forgetAfter } = isSpelledOut
    ? (blockFor as BlockOptions)
    : { spans: blockFor, forgetAfter: undefined };
  return [spans, forgetAfter].flat();
}
