// Twin: stores/redis/lua/blocks.lua. The same law; change both.
import { isFarAhead } from '../algorithm.js';

/** A policy's `blockFor` after its check. Spans are milliseconds. */
export interface BlockRule {
  /** For the first block of a key, the next one and so on. The last span repeats. A lone 0 begins no block by itself. */
  readonly spans: readonly number[];
  /** Whether a request that a block denies starts the block's span again. */
  readonly extend: boolean;
  /** How long a block still counts after its end: a block within this time takes the next span. */
  readonly forgetAfter: number;
  /** The whole rule as text, for the script. Equal rules have equal texts. */
  readonly text: string;
}

/** A block of a policy and key. Plain data, like the states of algorithms. */
export interface BlockState {
  /** When it began, in milliseconds since the epoch. */
  readonly start: number;
  /** How long it lasts from then on, in milliseconds. */
  readonly span: number;
  /** The number of blocks in a row, at most the number of spans: the index of the next block's span. */
  readonly step: number;
}

/**
 * The state as of now, and how long it still blocks. A state more than its span ahead was written while the clock had
 * jumped forward: it is moved to now. The very same object when nothing changed.
 */
export function standing(state: BlockState | undefined, now: number): { state: BlockState | undefined; left: number } {
  if (!state) return { state, left: 0 };
  const current = isFarAhead(state.start, state.span, now) ? { ...state, start: now } : state;
  return { state: current, left: Math.max(0, current.start + current.span - now) };
}

/** The block that begins when the quota denies a hit; `undefined` where the rule begins none. */
export function raised(rule: BlockRule, state: BlockState | undefined, now: number): BlockState | undefined {
  const { spans } = rule;
  const step = stepOf(rule, state, now);
  const span = spans[Math.min(step, spans.length - 1)]!;
  return span > 0 ? { start: now, span, step: Math.min(step + 1, spans.length) } : undefined;
}

/** The block after it denied a request, where the rule has `extend`. */
export const extended = (state: BlockState, now: number): BlockState => ({
  ...state,
  start: Math.max(state.start, now),
});

/** The block that code asks for. It does not count as a step: the next block takes the same span as without it. */
export const imposed = (rule: BlockRule, state: BlockState | undefined, span: number, now: number): BlockState => ({
  start: now,
  span,
  step: stepOf(rule, state, now),
});

/** How long until the state no longer matters and may be deleted. */
export const blockLifetime = ({ forgetAfter }: BlockRule, { start, span }: BlockState, now: number): number =>
  start + span + forgetAfter - now;

function stepOf(rule: BlockRule, state: BlockState | undefined, now: number): number {
  return state && blockLifetime(rule, state, now) > 0 ? state.step : 0;
}

/** The numbers of a decision while a block lasts for `left` ms: nothing can be spent. Looking and giving back pass. */
export function underBlock(
  { limit }: { readonly limit: number },
  looked: { readonly remaining: number; readonly resetAfter: number },
  cost: number,
  retryAfter: number,
  left: number,
): { remaining: number; resetAfter: number; retryAfter: number; blockedFor: number } {
  const untilMore = looked.remaining > 0 ? left : Math.max(left, looked.resetAfter);
  return {
    remaining: 0,
    resetAfter: limit > 0 ? untilMore : 0,
    retryAfter: cost <= 0 || retryAfter < 0 ? retryAfter : Math.max(left, retryAfter),
    blockedFor: left,
  };
}
