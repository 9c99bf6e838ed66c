import { after } from './after.js';
import { algorithmOf } from './algorithms/index.js';
import { DAY } from './duration.js';
import { RateLimitError } from './errors.js';
import { shown, shownNumber } from './shown.js';
import { isChecked, type Policy } from './policy.js';

/** Asks that what a hit is charged be held until the request ends. */
export interface HoldRequest {
  /** Identifies the hold among those of its policy and key: 1 to 64 printable ASCII characters, no spaces. The hits of a request may share it. */
  readonly id: string;
  /** How long the hold lasts unless it is renewed, in milliseconds: 1 to a day. */
  readonly ttl: number;
  /** Whether the charge is given back when the hold ends without being settled. Default: it is kept. */
  readonly givesBack?: boolean;
}

/** One request's claim on one policy. */
export interface Hit {
  /** What `definePolicy()` returned. Copies of it are refused. */
  readonly policy: Policy;
  /** The partition that pays: `ip:203.0.113.7`, `user:42`. Any text. */
  readonly key: string;
  /** Quota units, a whole number: 0 only looks, a negative one gives back. */
  readonly cost: number;
  /** Holds the charge, for `settle()` of a `HoldingStore`. Every hit under `concurrency` needs it, with a cost of 1. */
  readonly hold?: HoldRequest | undefined;
  /**
   * In milliseconds: a hit that passes within this time is charged now, ahead of time. Its decision says when it starts
   * (`startsIn`). For algorithms without a `burst` it must be 0. A hit with patience, also with 0, begins no block.
   */
  readonly patience?: number | undefined;
}

/** The longest that a hold lasts without being renewed, in milliseconds. */
export const LONGEST_HOLD = DAY;

/**
 * Throws unless `hits` is well-formed. Every store calls this first, before it charges anything.
 *
 * @throws RateLimitError `RL_HIT_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_COST_INVALID`
 */
export function checkHits(hits: readonly Hit[]): void {
  if (!Array.isArray(hits)) throw new RateLimitError('RL_HIT_INVALID', `hits must be a list, got ${shown(hits)}`);
  for (const hit of hits as readonly Hit[]) {
    if (typeof hit !== 'object' || hit === null) {
      throw new RateLimitError('RL_HIT_INVALID', `a hit must be { policy, key, cost }, got ${shown(hit)}`);
    }
    const { policy, key, cost } = hit;
    if (!isChecked(policy)) {
      throw new RateLimitError(
        'RL_POLICY_INVALID',
        `a hit's policy must come from definePolicy(), got ${shown(policy)}`,
      );
    }
    if (typeof key !== 'string') {
      throw new RateLimitError('RL_KEY_INVALID', `${policy.name}: a key must be a string, got ${shown(key)}`);
    }
    if (!Number.isSafeInteger(cost)) {
      throw new RateLimitError(
        'RL_COST_INVALID',
        `${policy.name}: a cost must be a whole number, got ${shownNumber(cost)}`,
      );
    }
    checkHold(hit);
  }
}

/** Whether nothing about a hit is special: it is charged, and its policy neither blocks, holds nor records. */
export const isPlain = ({ policy, hold, patience }: Hit): boolean =>
  policy.isPlain && hold === undefined && patience === undefined;

/** @throws RateLimitError `RL_HOLD_INVALID`, `RL_COST_INVALID`, `RL_PATIENCE_INVALID` */
function checkHold({ policy, cost, hold, patience }: Hit): void {
  const { countsHolds, defaultBurst } = algorithmOf(policy.algorithm);
  if (countsHolds && (cost < 0 || cost > 1)) {
    throw new RateLimitError(
      'RL_COST_INVALID',
      `${policy.name}: concurrency counts requests, so a cost must be 1, or 0 to look, got ${shownNumber(cost)}`,
    );
  }
  if (hold !== undefined) checkHoldRequest(hold, policy, cost);
  else if (countsHolds && cost > 0) {
    throw new RateLimitError(
      'RL_HOLD_INVALID',
      `${policy.name}: concurrency counts requests that have not ended; use reserve(), and settle or release its hold when the work has ended`,
    );
  }
  if (patience === undefined) return;
  if (!Number.isSafeInteger(patience) || patience < 0 || (patience > 0 && defaultBurst === undefined)) {
    throw new RateLimitError(
      'RL_PATIENCE_INVALID',
      `${policy.name}: patience must be a whole number of ms, and 0 for an algorithm without a burst, got ${shownNumber(patience)} for ${policy.algorithm}`,
    );
  }
}

function checkHoldRequest(hold: unknown, policy: Policy, cost: number): void {
  const { id, ttl } = (typeof hold === 'object' && hold !== null ? hold : {}) as Partial<HoldRequest>;
  checkHoldId(id, policy);
  checkHoldTtl(ttl, policy);
  if (cost >= 0) return;
  throw new RateLimitError(
    'RL_COST_INVALID',
    `${policy.name}: what is held must not be negative, got ${shownNumber(cost)}`,
  );
}

/** @throws RateLimitError `RL_HOLD_INVALID` */
export function checkHoldId(id: unknown, { name }: Policy): asserts id is string {
  if (typeof id === 'string' && /^[\x21-\x7E]{1,64}$/.test(id)) return;
  throw new RateLimitError(
    'RL_HOLD_INVALID',
    `${name}: the id of a hold must be 1 to 64 printable ASCII characters without spaces, got ${shown(id)}`,
  );
}

/** @throws RateLimitError `RL_HOLD_INVALID` */
export function checkHoldTtl(ttl: unknown, { name, algorithm, lease }: Policy): asserts ttl is number {
  // A slot that lasted longer than the lease would look like one of a clock that had jumped.
  const most = algorithmOf(algorithm).countsHolds ? lease : LONGEST_HOLD;
  if (Number.isSafeInteger(ttl) && (ttl as number) >= 1 && (ttl as number) <= most) return;
  const why = most === lease ? "the policy's lease; renew it" : 'a day';
  throw new RateLimitError(
    'RL_HOLD_INVALID',
    `${name}: the ttl of a hold must be a whole number of ms from 1 to ${most} (${why}), got ${shownNumber(ttl)}`,
  );
}

/**
 * Merges hits of one request on the same policy and key into one hit with the costs added.
 *
 * @param answer judges hits of which no two share a state; called once. It may return a promise
 * @returns the decisions in the order of the hits given; a promise if `answer` returned one
 */
export function mergingHits<D>(hits: readonly Hit[], answer: (merged: readonly Hit[]) => Promise<D[]>): Promise<D[]>;
export function mergingHits<D>(hits: readonly Hit[], answer: (merged: readonly Hit[]) => D[]): D[];
export function mergingHits<D>(
  hits: readonly Hit[],
  answer: (merged: readonly Hit[]) => D[] | Promise<D[]>,
): D[] | Promise<D[]>;
export function mergingHits<D>(
  hits: readonly Hit[],
  answer: (merged: readonly Hit[]) => D[] | Promise<D[]>,
): D[] | Promise<D[]> {
  if (!hasRepeated(hits)) return answer(hits);
  const merged: Hit[] = [];
  const places = hits.map((hit) => {
    const place = merged.findIndex((other) => sharesState(other, hit));
    if (place < 0) return merged.push(hit) - 1;
    merged[place] = both(merged[place]!, hit);
    return place;
  });
  return after(answer(merged), (decisions) => places.map((place) => decisions[place]!));
}

function both(one: Hit, other: Hit): Hit {
  const isSlot = algorithmOf(one.policy.algorithm).countsHolds;
  return {
    ...one,
    // A request takes one slot, however often it asks.
    cost: isSlot ? Math.max(one.cost, other.cost) : one.cost + other.cost,
    hold: one.hold ?? other.hold,
    patience: one.patience ?? other.patience,
  };
}

function hasRepeated(hits: readonly Hit[]): boolean {
  for (let i = 1; i < hits.length; i++) {
    for (let j = 0; j < i; j++) if (sharesState(hits[i]!, hits[j]!)) return true;
  }
  return false;
}

const sharesState = (one: Hit, other: Hit): boolean => one.key === other.key && one.policy.id === other.policy.id;
