// Twin: stores/redis/lua/held-units.lua. The same law; change both.
import type { Quota } from '../algorithm.js';
import { algorithmOf } from '../algorithms/index.js';
import type { SlotsState } from '../algorithms/concurrency.js';
import type { Policy } from '../policy.js';
import type { HoldRequest } from './hold-request.js';

/** What a request took and has not settled. Plain data, like the states of algorithms. */
export interface HeldUnits {
  /** The units that were charged. */
  readonly cost: number;
  /** Finds the charge again: the window or the moment that was charged. Below 0: nothing was charged, or the algorithm needs no mark. */
  readonly mark: number;
  /** The first moment at which it can no longer be settled, in milliseconds since the epoch. */
  readonly expires: number;
  /** Until when it must be kept, so that its charge can be given back. Without that: `expires`. */
  readonly keptUntil: number;
}

/** The open holds of a policy and key, by their ids. */
export type Holds = ReadonlyMap<string, HeldUnits>;

/** For a hold that needs no mark. */
const NO_MARK = -1;

/** The hold of a hit that was charged, after which `state` is kept. */
export function heldUnits(policy: Policy, { ttl, givesBack }: HoldRequest, cost: number, state: unknown, now: number) {
  const algorithm = algorithmOf(policy.algorithm);
  const { byMark } = algorithm;
  const mark = byMark && cost > 0 && state !== undefined ? byMark.markOf(state) : NO_MARK;
  const expires = now + ttl;
  return { cost, mark, expires, keptUntil: expires + (givesBack ? algorithm.longestLifetime(policy) : 0) };
}

/** The slots that are taken: the state of `concurrency`. A lease that ends too late was written while the clock had jumped. */
export function slotsOf(holds: Holds | undefined, { window: lease }: Quota, now: number): SlotsState {
  let used = 0;
  let soonest = lease;
  for (const { expires } of holds?.values() ?? []) {
    if (expires <= now) continue;
    used++;
    soonest = Math.min(soonest, expires - now);
  }
  return { used, soonest };
}

/** A policy with more room: units over its limit, or over its burst if it has one. */
export function withRoom<P extends Quota & Pick<Policy, 'algorithm'>>(policy: P, units: number): P {
  const hasBurst = algorithmOf(policy.algorithm).defaultBurst !== undefined;
  const { limit, burst } = policy;
  return { ...policy, limit: hasBurst ? limit : limit + units, burst: burst + units };
}

/** Units that may still be recorded: those within the limit, and the debt. */
const roomOf = (policy: Policy, state: unknown, now: number): number =>
  algorithmOf(policy.algorithm).judge(withRoom(policy, policy.debt), state, 0, now).remaining;

/** The state after units are counted, whatever the limit: as many as the debt allows. And how many these are. */
export function recorded(
  policy: Policy,
  before: unknown,
  cost: number,
  now: number,
): { state: unknown; units: number } {
  const units = Math.min(cost, roomOf(policy, before, now));
  const { state } = algorithmOf(policy.algorithm).judge(withRoom(policy, policy.debt), before, units, now);
  return { state, units };
}

/** The state after a hold is settled: as if its charge had been `cost`. More than the debt allows is forgotten. */
export function settled(policy: Policy, state: unknown, { cost: held, mark }: HeldUnits, cost: number, now: number) {
  if (state === undefined && cost <= held) return state;
  const algorithm = algorithmOf(policy.algorithm);
  const { byMark } = algorithm;
  const more = cost - held;
  const delta = more > 0 ? Math.min(more, roomOf(policy, state, now)) : more;
  if (delta === 0) return state;
  if (mark < 0 || !byMark) return algorithm.judge(withRoom(policy, policy.debt), state, delta, now).state;
  return state === undefined ? undefined : byMark.corrected(policy, state, mark, delta, now);
}

/** The state after abandoned holds gave back what they promised to, and the ids of those holds. */
export function withoutAbandoned(policy: Policy, given: unknown, holds: Holds, now: number) {
  let state = given;
  const ids: string[] = [];
  for (const [id, held] of holds) {
    if (held.expires > now || held.keptUntil <= now) continue;
    state = settled(policy, state, held, 0, now);
    ids.push(id);
  }
  return { state, ids };
}

/** How many units are free apart from those that are held: below 0 when final charges alone exceed the limit. */
export function freeOfHeld(policy: Policy, state: unknown, holds: Holds | undefined, now: number): number {
  const { byMark } = algorithmOf(policy.algorithm);
  let pending = 0;
  for (const { cost, mark, expires } of holds?.values() ?? []) {
    if (expires <= now) continue;
    if (!byMark) pending += cost;
    else if (state !== undefined) pending += byMark.counting(policy, state, mark, cost, now);
  }
  return roomOf(policy, state, now) - policy.debt + pending;
}
