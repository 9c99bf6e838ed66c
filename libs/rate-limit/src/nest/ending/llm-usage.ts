import { checkKnownKeys } from '../../core/checks.js';
import { RateLimitError } from '../../core/errors.js';
import { saidBy, shown, shownNumber } from '../../core/shown.js';
import { isRefusedByModel } from '../../engine/llm/refused-by-model.js';
import { tokensIn, type LlmUsage } from '../../engine/llm/usage.js';
import { usageOf } from '../../engine/llm/usage-of.js';
import { UsageReader } from '../../engine/llm/usage-reader.js';
import type { LlmFound } from '../../engine/llm/usage-tally.js';
import type { CallOutcome, Settle } from './call-outcome.js';

/** The units that a usage costs. The result is rounded up to a whole number. */
export type LlmPrice = (usage: LlmUsage) => number;

/** Options of {@link llmUsage}. */
export interface LlmUsageOptions {
  /** The units that a usage costs. Default: `input + output`, every token once. */
  readonly price?: LlmPrice;
}

/**
 * A `settle` function: charges the tokens that an answer of OpenAI (chat and responses), Anthropic or the AI SDK says it
 * used, whether the handler returns it or streams it.
 *
 * - The final usage is known: its price.
 * - The client disconnected before that: not known. What is known so far is in `atLeast`.
 * - The answer ended without a final usage, or with none: the estimate is kept, or the price so far if that is more.
 * - The model's provider refused the call (an error with a status): 0. Any other error keeps the estimate, unless the
 *   handler said what it has used.
 *
 * @example `@RateLimit({ name: 'tokens', cost: estimate, settle: llmUsage() })`
 * @throws RateLimitError `RL_PRICE_INVALID`, `RL_OPTION_UNKNOWN`; the function itself: `RL_PRICE_INVALID` if `price`
 *   throws, or returns anything but a number from 0 to 2^53 - 1
 */
export function llmUsage(options: LlmUsageOptions | LlmPrice = {}): Settle {
  const price = priceIn(options);
  const settle = (outcome: CallOutcome): number | undefined => {
    const { ending, held, used, error } = outcome;
    if (ending === 'refused') return 0;
    const found = foundIn(outcome);
    if (found?.isComplete) {
      const units = unitsOf(found.usage, price);
      // The handler may have gone on after the client left, without an answer that can be read.
      return ending === 'disconnect' && used !== undefined ? Math.max(units, used) : units;
    }
    if (ending === 'disconnect') return undefined;
    if (found) {
      const least = Math.max(unitsOf(found.usage, price), used ?? 0);
      return least > held ? least : undefined;
    }
    return used ?? (ending === 'failure' && isRefusedByModel(error) ? 0 : undefined);
  };
  const atLeast = (outcome: CallOutcome): number | undefined => {
    const found = foundIn(outcome);
    return found && unitsOf(found.usage, price);
  };
  return Object.assign(settle, { reader: () => new UsageReader(), atLeast });
}

function priceIn(options: LlmUsageOptions | LlmPrice): LlmPrice {
  if (typeof options === 'function') return options;
  checkKnownKeys(options, ['price'], 'llmUsage');
  const { price = tokensIn } = options;
  if (typeof price === 'function') return price;
  throw new RateLimitError(
    'RL_PRICE_INVALID',
    `price of llmUsage must be a function of the usage, such as ({ input, output }) => input + output, got ${shown(price)}`,
  );
}

/** Looks at the value if no reader saw an answer. */
function foundIn({ found, value }: CallOutcome): LlmFound | undefined {
  if (found !== undefined) return found as LlmFound;
  const usage = usageOf(value);
  return usage && { usage, isComplete: true };
}

function unitsOf(usage: LlmUsage, price: LlmPrice): number {
  let units: number;
  try {
    units = price(usage);
  } catch (error) {
    throw new RateLimitError('RL_PRICE_INVALID', `price of llmUsage threw: ${saidBy(error)}`, { cause: error });
  }
  // 100 * 0.07 is 7.000000000000001, which is 7 units and not 8.
  const whole = typeof units === 'number' && units >= 0 ? Math.ceil(Number(units.toFixed(6))) : NaN;
  if (Number.isSafeInteger(whole)) return whole;
  throw new RateLimitError(
    'RL_PRICE_INVALID',
    `price of llmUsage must return a number from 0 to ${Number.MAX_SAFE_INTEGER}, got ${shownNumber(units)} for ${shown(usage)}`,
  );
}
