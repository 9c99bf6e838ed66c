import { after } from './after.js';
import { RateLimitError } from './errors.js';
import { shown, shownNumber } from './shown.js';
import { isChecked, type Policy } from './policy.js';

/** One request's claim on one policy. */
export interface Hit {
  /** What `definePolicy()` returned. Copies of it are refused. */
  readonly policy: Policy;
  /** The partition that pays: `ip:203.0.113.7`, `user:42`. Any text. */
  readonly key: string;
  /** Quota units, a whole number: 0 only looks, a negative one gives back. */
  readonly cost: number;
}

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
  }
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
    merged[place] = { ...merged[place]!, cost: merged[place]!.cost + hit.cost };
    return place;
  });
  return after(answer(merged), (decisions) => places.map((place) => decisions[place]!));
}

function hasRepeated(hits: readonly Hit[]): boolean {
  for (let i = 1; i < hits.length; i++) {
    for (let j = 0; j < i; j++) if (sharesState(hits[i]!, hits[j]!)) return true;
  }
  return false;
}

const sharesState = (one: Hit, other: Hit): boolean => one.key === other.key && one.policy.id === other.policy.id;
