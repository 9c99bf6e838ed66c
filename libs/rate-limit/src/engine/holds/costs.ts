import { hasSlots } from '../../core/algorithms/index.js';
import { closest } from '../../core/closest.js';
import { RateLimitError } from '../../core/errors.js';
import type { Held } from '../../core/holds/holding-store.js';
import { kindOf, shown } from '../../core/shown.js';
import { isRecord } from '../check-options.js';

/** What a request has used: units, or units by the names of its policies. */
export type Costs = number | Readonly<Record<string, number>>;

/**
 * What each hold is settled with. The store checks the numbers.
 *
 * @param policies the names of all policies that were asked: some may hold nothing
 * @throws RateLimitError `RL_COST_INVALID`, `RL_UNKNOWN_POLICY`
 */
export function costsOf(costs: Costs, helds: readonly Held[], policies: () => readonly string[]): number[] {
  if (typeof costs === 'number') return ofOne(costs, helds);
  if (!isRecord(costs)) {
    throw new RateLimitError(
      'RL_COST_INVALID',
      `settle() takes the units that were used, or units by policy as in { ${policies()[0]}: 1 }, got ${kindOf(costs)}`,
    );
  }
  const known = policies();
  const unknown = Object.keys(costs).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const meant = closest(unknown, known);
    throw new RateLimitError(
      'RL_UNKNOWN_POLICY',
      `settle(): the hold is not of the policy ${shown(unknown)}; ${meant === undefined ? 'it' : `did you mean ${meant}? It`} is of ${known.join(', ')}`,
    );
  }
  return helds.map((held) => (Object.hasOwn(costs, held.policy.name) ? costs[held.policy.name]! : kept(held)));
}

function ofOne(cost: number, helds: readonly Held[]): number[] {
  if (helds.length === 1) return [cost];
  const names = new Set(helds.filter((held) => !isSlot(held)).map(({ policy }) => policy.name));
  if (names.size > 1) {
    throw new RateLimitError(
      'RL_COST_INVALID',
      `settle(): the hold is of ${[...names].join(' and ')}; say which one used ${cost}, as in { ${[...names][0]}: ${cost} }`,
    );
  }
  return helds.map((held) => (isSlot(held) && names.size > 0 ? 0 : cost));
}

const isSlot = ({ policy }: Held): boolean => hasSlots(policy);

/** The estimate. What a slot is settled with makes no difference. */
const kept = (held: Held): number => (isSlot(held) ? 0 : held.units!);
