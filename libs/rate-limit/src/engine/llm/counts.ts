import { fieldOf } from './field.js';
import { whole, type LlmUsage } from './usage.js';

/** The numbers of one usage object, as far as it has them. */
export interface Counts {
  readonly input: number | undefined;
  readonly cachedInput: number | undefined;
  readonly cacheWrite: number | undefined;
  readonly output: number | undefined;
  readonly reasoning: number | undefined;
  readonly total: number | undefined;
  /** Anthropic counts what it reads from and writes to the cache beside `input`, the others count it inside. */
  readonly cacheIsBesideInput: boolean;
}

/** Where each number is. In order: OpenAI chat, OpenAI responses and Anthropic, the AI SDK, its models, its version 4. */
const NAMES = {
  input: ['prompt_tokens', 'input_tokens', 'inputTokens', 'inputTokens.total', 'promptTokens'],
  cachedInput: [
    'prompt_tokens_details.cached_tokens',
    'input_tokens_details.cached_tokens',
    'cache_read_input_tokens',
    'inputTokenDetails.cacheReadTokens',
    'inputTokens.cacheRead',
    'cachedInputTokens',
  ],
  cacheWrite: [
    'prompt_tokens_details.cache_write_tokens',
    'input_tokens_details.cache_write_tokens',
    'cache_creation_input_tokens',
    'inputTokenDetails.cacheWriteTokens',
    'inputTokens.cacheWrite',
  ],
  output: ['completion_tokens', 'output_tokens', 'outputTokens', 'outputTokens.total', 'completionTokens'],
  reasoning: [
    'completion_tokens_details.reasoning_tokens',
    'output_tokens_details.reasoning_tokens',
    'output_tokens_details.thinking_tokens',
    'outputTokenDetails.reasoningTokens',
    'outputTokens.reasoning',
    'reasoningTokens',
  ],
  total: ['total_tokens', 'totalTokens'],
} as const;

/** The numbers of a usage object of any of the four APIs; `undefined` if this is not one. */
export function countsOf(usage: unknown): Counts | undefined {
  const input = first(usage, NAMES.input);
  const output = first(usage, NAMES.output);
  const total = first(usage, NAMES.total);
  if (input === undefined && output === undefined && total === undefined) return undefined;
  return {
    input,
    cachedInput: first(usage, NAMES.cachedInput),
    cacheWrite: first(usage, NAMES.cacheWrite),
    output,
    reasoning: first(usage, NAMES.reasoning),
    total,
    cacheIsBesideInput: isAnthropic(usage),
  };
}

/** Gateways add Anthropic's cache fields to OpenAI's shapes too, and count as OpenAI does then. */
const isAnthropic = (usage: unknown): boolean =>
  (count(fieldOf(usage, 'cache_read_input_tokens')) ?? count(fieldOf(usage, 'cache_creation_input_tokens'))) !==
    undefined &&
  typeof fieldOf(usage, 'input_tokens_details') !== 'object' &&
  count(fieldOf(usage, 'prompt_tokens')) === undefined;

function first(usage: unknown, names: readonly string[]): number | undefined {
  for (const name of names) {
    const found = count(name.split('.').reduce(fieldOf, usage));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is no count (`null`, NaN, text, a negative number) is absent. */
const count = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.ceil(value) : undefined;

/**
 * What two reports on the same answer say together. The later one wins: reports are cumulative. So a later 0 is a number
 * that the sender does not know.
 */
export const updated = (older: Counts, newer: Counts): Counts => ({
  input: later(older.input, newer.input),
  cachedInput: later(older.cachedInput, newer.cachedInput),
  cacheWrite: later(older.cacheWrite, newer.cacheWrite),
  output: later(older.output, newer.output),
  reasoning: later(older.reasoning, newer.reasoning),
  total: later(older.total, newer.total),
  cacheIsBesideInput: older.cacheIsBesideInput || newer.cacheIsBesideInput,
});

const later = (older: number | undefined, newer: number | undefined): number | undefined => newer || (older ?? newer);

/** The normal form. A part is never more than its whole, so that a price cannot become negative. */
export function usageIn(counts: Counts): LlmUsage {
  const { total = 0, cacheIsBesideInput } = counts;
  const beside = cacheIsBesideInput ? (counts.cachedInput ?? 0) + (counts.cacheWrite ?? 0) : 0;
  let input = whole((counts.input ?? 0) + beside);
  let output = counts.output ?? 0;
  // Some providers leave reasoning out of the output, or give nothing but the total.
  const rest = Math.max(0, total - input - output);
  if (counts.input === undefined) input = whole(input + rest);
  else output = whole(output + rest);
  const cachedInput = Math.min(counts.cachedInput ?? 0, input);
  const cacheWrite = Math.min(counts.cacheWrite ?? 0, input - cachedInput);
  return { input, cachedInput, cacheWrite, output, reasoning: Math.min(counts.reasoning ?? 0, output) };
}
