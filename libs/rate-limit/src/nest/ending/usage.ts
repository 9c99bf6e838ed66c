import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RateLimitError } from '../../core/errors.js';
import { shownNumber } from '../../core/shown.js';

/**
 * What a handler says it has used so far, in the units of its policies: tokens, bytes. If the client disconnects, it is
 * charged for this at least.
 *
 * Every request has one. Without a reservation nobody reads it, so a handler need not check.
 */
export class CallUsage {
  private units: number | undefined;

  /** The units so far; `undefined` if nothing was said. */
  get used(): number | undefined {
    return this.units;
  }

  /**
   * Adds units, such as the tokens of one more chunk.
   *
   * @throws RateLimitError `RL_COST_INVALID` unless `units` is a whole number, not negative
   */
  add(units: number): void {
    this.set((this.units ?? 0) + checked(units));
  }

  /**
   * Sets the units so far, for sources that report a running total.
   *
   * @throws RateLimitError `RL_COST_INVALID` unless `units` is a whole number, not negative
   */
  set(units: number): void {
    this.units = checked(units);
  }
}

function checked(units: number): number {
  if (Number.isSafeInteger(units) && units >= 0) return units;
  throw new RateLimitError(
    'RL_COST_INVALID',
    `the units that a call used must be a whole number, not negative, got ${shownNumber(units)}`,
  );
}

const usages = new WeakMap<object, CallUsage>();

/** The usage of a request, for code that has the request and not the parameter. */
export function callUsageOf(request: object): CallUsage {
  let usage = usages.get(request);
  if (!usage) usages.set(request, (usage = new CallUsage()));
  return usage;
}

/**
 * A parameter of a handler, by which it says what it has used so far.
 *
 * @example
 * ```ts
 * async chat(@Body() question: Question, @Usage() usage: CallUsage) {
 *   for await (const chunk of model.stream(question)) usage.add(chunk.tokens);
 * }
 * ```
 */
export const Usage = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  callUsageOf(context.switchToHttp().getRequest<object>()),
);
