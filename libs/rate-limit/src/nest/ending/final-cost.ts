import { after } from '../../core/after.js';
import { RateLimitError } from '../../core/errors.js';
import { kindOf, shown, shownNumber } from '../../core/shown.js';
import type { CallOutcome, Settle } from './call-outcome.js';

/** Which calls a policy counts. The others get back what they were charged. */
export type Count = 'failures' | 'successes' | ((outcome: CallOutcome) => boolean | Promise<boolean>);

/** What a call costs in the end, once it is known how it ended. */
export interface FinalCost {
  /** @throws RateLimitError, and errors of the application's functions. The estimate is kept then */
  of(outcome: CallOutcome): number | Promise<number>;
  readonly reader?: Settle['reader'];
}

/**
 * What the options of a policy say about the end of a call; `undefined` if the charge is final at once.
 *
 * @param isSlot whether the policy is `concurrency`
 * @throws RateLimitError `RL_OPTION_INVALID`
 */
export function finalCostOf(
  { count, settle }: { readonly count?: Count | undefined; readonly settle?: Settle | undefined },
  isSlot: boolean,
  name: string,
): FinalCost | undefined {
  if (isSlot) {
    refuse(name, 'concurrency counts requests that have not ended, so it takes no', { count, settle });
    return SLOT;
  }
  if (count !== undefined && settle !== undefined) {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `${name}: give count or settle, not both; a settle function that returns 0 counts nothing`,
    );
  }
  if (settle !== undefined) return bySettle(checked(settle, 'settle must be a function', name), name);
  if (count === undefined) return undefined;
  if (count === 'failures') return byCount(isFailure, name);
  if (count === 'successes') return byCount(isSuccess, name);
  return byCount(checked(count, "count must be 'failures', 'successes' or a function", name), name);
}

const SLOT: FinalCost = { of: () => 0 };

/** A guard that refuses may be the one that checks the password. A pipe refuses what was sent, before anything is tried. */
const isFailure = ({ ending, refusedBy }: CallOutcome): boolean =>
  ending === 'failure' || ending === 'disconnect' || refusedBy === 'guard';

/**
 * A client that disconnects may have received all that it wanted. If such calls did not count, clients would disconnect just
 * before the end.
 */
const isSuccess = ({ ending }: CallOutcome): boolean => ending === 'success' || ending === 'disconnect';

function byCount(counts: (outcome: CallOutcome) => boolean | Promise<boolean>, name: string): FinalCost {
  const costOf = (isCounted: unknown, { held }: CallOutcome): number => {
    if (typeof isCounted === 'boolean') return isCounted ? held : 0;
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `${name}: count must return true or false, or a promise of that, got ${kindOf(isCounted)}`,
    );
  };
  return { of: (outcome) => after(counts(outcome), (isCounted) => costOf(isCounted, outcome)) };
}

function bySettle(settle: Settle, name: string): FinalCost {
  return {
    async of(outcome) {
      // The handler never started, so nothing was used.
      if (outcome.ending === 'refused') return 0;
      const units = (await settle(outcome)) ?? unknownUnits(outcome, settle);
      if (Number.isSafeInteger(units) && units >= 0) return units;
      throw new RateLimitError(
        'RL_COST_INVALID',
        `${name}: settle must return a whole number of units, not negative, or undefined to keep the estimate, got ${shownNumber(units)}`,
      );
    },
    ...(settle.reader && { reader: settle.reader }),
  };
}

/** After a disconnect at least the estimate is charged: otherwise clients would disconnect just before the end. */
function unknownUnits(outcome: CallOutcome, settle: Settle): number {
  const { ending, held, used } = outcome;
  if (ending !== 'disconnect') return used ?? held;
  return Math.max(held, used ?? 0, settle.atLeast?.(outcome) ?? 0);
}

function checked<F>(value: F, rule: string, name: string): F {
  if (typeof value === 'function') return value;
  throw new RateLimitError('RL_OPTION_INVALID', `${name}: ${rule}, got ${shown(value)}`);
}

function refuse(name: string, why: string, options: Record<string, unknown>): void {
  const [option] = Object.entries(options).find(([, value]) => value !== undefined) ?? [];
  if (option !== undefined) throw new RateLimitError('RL_OPTION_INVALID', `${name}: ${why} ${option}; leave it out`);
}
