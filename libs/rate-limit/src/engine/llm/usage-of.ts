import { countsOf, usageIn, type Counts } from './counts.js';
import { fieldOf } from './field.js';
import type { LlmUsage } from './usage.js';

/**
 * The tokens that an answer of OpenAI (chat and responses), Anthropic or the AI SDK says it used. Takes the answer, its
 * usage object, or an object with one of them as `usage`, `totalUsage`, `response` or `message`.
 *
 * `undefined` if there is no usage in it. Never throws.
 *
 * @example `usageOf(await openai.chat.completions.create({ … }))`
 */
export function usageOf(value: unknown): LlmUsage | undefined {
  const counts = countsIn(value);
  return counts && usageIn(counts);
}

/** `totalUsage` comes first: beside it, `usage` is that of the last step alone. */
export function countsIn(value: unknown): Counts | undefined {
  if (isUnreadStream(value)) return undefined;
  return (
    countsOf(fieldOf(value, 'totalUsage')) ??
    countsOf(fieldOf(value, 'usage')) ??
    countsOf(fieldOf(fieldOf(value, 'response'), 'usage')) ??
    countsOf(fieldOf(fieldOf(value, 'message'), 'usage')) ??
    countsOf(value)
  );
}

/** A result of the AI SDK's streamText(): to read its `usage` would start the stream. */
const isUnreadStream = (value: unknown): boolean => {
  try {
    return typeof value === 'object' && value !== null && 'textStream' in value;
  } catch {
    return true;
  }
};
