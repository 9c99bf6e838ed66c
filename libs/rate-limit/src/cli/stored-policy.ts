import { algorithmOf, algorithms, CONCURRENCY, type AlgorithmName } from '../core/algorithms/index.js';
import { calendarUnits } from '../core/calendar/grid.js';
import type { LimitNumbers } from '../core/limit-book.js';
import { checkedPolicy, type Policy } from '../core/policy.js';
import { LARGEST_LIMIT } from '../core/quota-numbers.js';
import type { WindowDefinition } from '../core/window-of.js';

/** What the id of a policy says: `login:fw60000` is `login`, a fixed window of a minute. */
export interface StoredPolicy {
  readonly id: string;
  /** The policy's name. That of a handler's own quota begins with `@`. */
  readonly name: string;
  readonly algorithm: AlgorithmName;
  /** In milliseconds, or a calendar unit; absent for `concurrency`. */
  readonly window?: number | string;
}

const byCode = new Map(Object.entries(algorithms).map(([name, { code }]) => [code, name as AlgorithmName]));
const ID = new RegExp(`^(.+):(${[...byCode.keys()].join('|')})(\\d+|${calendarUnits.join('|')}|)$`, 's');

/** `undefined` for text that is not an id. Other programs may have keys in Redis that look like ours. */
export function policyOfId(id: string): StoredPolicy | undefined {
  const [, name, code, window] = ID.exec(id) ?? [];
  if (name === undefined) return undefined;
  const algorithm = byCode.get(code!)!;
  if ((algorithm === CONCURRENCY) !== (window === '')) return undefined;
  if (window === '') return { id, name, algorithm };
  const policy = { id, name, algorithm, window: /^\d/.test(window!) ? Number(window) : window! };
  return canBe(policy) ? policy : undefined;
}

function canBe(policy: StoredPolicy): boolean {
  try {
    withNumbers(policy, { limit: 1 });
    return true;
  } catch {
    return false;
  }
}

/** Whether an id is the one that was meant: by itself, or by the policy's name. */
export const isMeantBy = (meant: string, id: string): boolean => {
  const policy = policyOfId(id);
  return policy !== undefined && (id === meant || policy.name === meant);
};

/**
 * The policy with these numbers, as the application has it. What does not change what is stored is left out.
 *
 * @throws RateLimitError for numbers that cannot be
 */
export function withNumbers({ name, algorithm, window }: StoredPolicy, { limit, burst }: LimitNumbers): Policy {
  const span = window === undefined ? {} : { window: window as WindowDefinition };
  const most = burst === undefined ? {} : { burst };
  // The owner stands in the id for the name, and need not be a valid one.
  return checkedPolicy({ name: 'stored', algorithm, limit: limit!, ...span, ...most }, name);
}

/** Whether what is used can only be known with the limit: buckets refill by it. */
export const needsLimit = ({ algorithm }: StoredPolicy): boolean => algorithmOf(algorithm).defaultBurst !== undefined;

/** A limit for calls whose answer does not depend on it: 1, or 0 for windows that are too long for 1. */
export const lowestLimit = (policy: StoredPolicy): number => Math.min(1, largestLimit(policy));

/** A limit that is never reached, to see how much of a quota is used. */
export function largestLimit({ algorithm, window }: StoredPolicy): number {
  const { weighsByWindow } = algorithmOf(algorithm);
  return weighsByWindow ? Math.floor(Number.MAX_SAFE_INTEGER / Number(window)) : LARGEST_LIMIT;
}
