// Twin: stores/redis/lua/blocks.lua. The same law; change both.
import { isFarAhead } from '../algorithm.js';

/** What a policy's `blockFor` says, checked. Spans are milliseconds. */
export interface BlockRule {
  /** Of one going-over after the other; the last is that of all further ones. A lone 0 blocks nobody by itself. */
  readonly spans: readonly number[];
  /** Whether a request that a block denies begins it anew. */
  readonly extend: boolean;
  /** How long after a block's end it is remembered that it was. */
  readonly forgetAfter: number;
  /** All of it as text, for the script; equal rules have equal texts. */
  readonly text: string;
}

/** A block of one policy and key. Plain data, as the states of algorithms are. */
export interface BlockState {
  readonly start: number;
  readonly span: number;
  /** How many have followed one another, up to the number of spans: the next one's place among them. */
  readonly step: number;
}

/**
 * The state as of now, and how long it still blocks. One more than its span ahead comes from a clock that had jumped:
 * it is moved to now. The very same object when nothing changed.
 */
export function standing(state: BlockState | undefined, now: number): { state: BlockState | undefined; left: number } {
  if (!state) return { state, left: 0 };
  const at = isFarAhead(state.start, state.span, now) ? { ...state, start: now } : state;
  return { state: at, left: Math.max(0, at.start + at.span - now) };
}

/** The block that somebody gets who goes over; absent where the rule blocks nobody. */
export function raised(rule: BlockRule, state: BlockState | undefined, now: number): BlockState | undefined {
  const { spans } = rule;
  const step = stepOf(rule, state, now);
  const span = spans[Math.min(step, spans.length - 1)]!;
  return span > 0 ? { start: now, span, step: Math.min(step + 1, spans.length) } : undefined;
}

/** The block of a request that a block has denied, where that begins it anew. */
export const extended = (state: BlockState, now: number): BlockState => ({
  ...state,
  start: Math.max(state.start, now),
});

/** The block that code asks for. It is no step: the next one who goes over meets the same as before. */
export const imposed = (rule: BlockRule, state: BlockState | undefined, span: number, now: number): BlockState => ({
  start: now,
  span,
  step: stepOf(rule, state, now),
});

/** The span after which the state says nothing and may be forgotten. */
export const blockLifetime = ({ forgetAfter }: BlockRule, { start, span }: BlockState, now: number): number =>
  start + span + forgetAfter - now;

function stepOf(rule: BlockRule, state: BlockState | undefined, now: number): number {
  return state && blockLifetime(rule, state, now) > 0 ? state.step : 0;
}

/** What is told of a quota while a block of it stands for `left` ms: nothing can be spent. Looking and giving back pass. */
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
