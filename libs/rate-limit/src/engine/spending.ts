import type { ConcurrencyDefinition, Policy, PolicyDefinition } from '../core/policy.js';
import { checkKnownKeys } from '../core/checks.js';
import { invalid } from './check-options.js';

/** A policy: its name in the catalogue, what `definePolicy()` returned, or a definition. */
export type AnyPolicy = string | Policy | ConcurrencyDefinition | PolicyDefinition;

/** What one call spends of one policy. */
export interface Spending {
  /** The policy. */
  policy: AnyPolicy;
  /** The caller that pays: `user:42`, `ip:203.0.113.7`, or any text. An address behind `ip:` may have any notation. */
  key: string;
  /** Quota units, default 1: 0 only looks, a negative number gives back. */
  cost?: number;
}

export const isList = (first: unknown): first is readonly Spending[] => Array.isArray(first);

/**
 * One spending, for methods that take a policy and a key, or a list.
 *
 * @param method the method, for errors
 * @param options its third argument, and the names that it may have
 * @throws RateLimitError `RL_OPTION_INVALID`, `RL_OPTION_UNKNOWN`
 */
export function spendingOf(
  method: string,
  first: AnyPolicy,
  key: unknown,
  options: { cost?: number } | undefined,
  known: readonly string[],
): Spending {
  checkOne(method, first);
  if (options !== undefined) checkKnownKeys(options, known, `the third argument of ${method}()`);
  const { cost = 1 } = options ?? {};
  return { policy: first, key: key as string, cost };
}

/** @throws RateLimitError `RL_OPTION_INVALID` for an entry of a list in place of a policy */
export function checkOne(method: string, first: unknown): void {
  if (typeof first !== 'object' || first === null || !('policy' in first)) return;
  throw invalid(`${method}() takes a list, as in ${method}([{ policy, key, cost }])`, first);
}

/** @throws RateLimitError `RL_OPTION_INVALID` */
export function checkAlone(method: string, first: unknown, ...others: readonly unknown[]): void {
  if (others.every((other) => other === undefined)) return;
  throw invalid(`${method}() takes a list alone, or a policy and a key`, first);
}

export const keysOf = (spendings: readonly Spending[]): string[] => spendings.map(({ key }) => key);
