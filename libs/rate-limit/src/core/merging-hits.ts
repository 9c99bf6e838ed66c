import { after } from './after.js';
import { hasSlots } from './algorithms/index.js';
import type { Hit } from './hit.js';

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
  const isSlot = hasSlots(one.policy);
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
