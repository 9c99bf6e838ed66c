/** What a call of a language model used, in tokens. Whole numbers, at least 0, counted alike for every API. */
export interface LlmUsage {
  /** All of the input, with what was read from and written to a cache. */
  readonly input: number;
  /** The part of `input` that was read from a cache. */
  readonly cachedInput: number;
  /** The part of `input` that was written to a cache. */
  readonly cacheWrite: number;
  /** All of the output, with the reasoning. */
  readonly output: number;
  /** The part of `output` that was reasoning. */
  readonly reasoning: number;
}

/** Every token once: caches are parts of the input, and reasoning is a part of the output. */
export const tokensIn = ({ input, output }: LlmUsage): number => whole(input + output);

export const NOTHING: LlmUsage = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, reasoning: 0 };

export const sumOf = (a: LlmUsage, b: LlmUsage): LlmUsage => ({
  input: whole(a.input + b.input),
  cachedInput: whole(a.cachedInput + b.cachedInput),
  cacheWrite: whole(a.cacheWrite + b.cacheWrite),
  output: whole(a.output + b.output),
  reasoning: whole(a.reasoning + b.reasoning),
});

/** The largest sums stay whole numbers. */
export const whole = (sum: number): number => Math.min(sum, Number.MAX_SAFE_INTEGER);
