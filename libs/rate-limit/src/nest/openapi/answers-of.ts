import type { Policy } from '../../core/policy.js';
import { isInShadow } from '../../core/shadow.js';
import { currentOf } from '../../engine/limits/live-policy.js';
import { MemoryStore } from '../../stores/memory/memory.store.js';
import { LimitByRequest } from '../plan/limit-by-request.js';
import type { Rule } from '../plan/rule.js';
import type { RateLimitSettings } from '../settings.js';
import { documentedAnswers, type DocumentedAnswers } from './documented-answers.js';

/** The limit in examples where a function of the request returns the real one. */
const SOME_LIMIT = 100;

/** What can be said of the answers of a route from its rules, with the limits in force now. */
export function answersOf(all: readonly Rule[], { options, headers }: RateLimitSettings): DocumentedAnswers {
  // Clients see nothing of a policy in shadow.
  const rules = all.filter(({ source }) => !isInShadow(currentOf(source)));
  const policies = rules.map((rule) => {
    return {
      policy: policyOf(rule),
      cost: rule.cost,
      isLimitDynamic: rule.source.varies !== 'never',
      isResolved: rule.source.varies === 'all',
      isCostDynamic: typeof rule.use.cost === 'function',
    };
  });
  const { redis, store, onStoreFailure: mode } = options;
  const mayFail = redis !== undefined || (store !== undefined && !(store instanceof MemoryStore));
  const closed = policies.filter(({ policy }) => mayFail && (policy.onStoreFailure ?? mode) === 'closed');
  const refusing = rules.filter(({ lists }) => lists?.canRefuse && lists.deny?.status === 403);
  return documentedAnswers(policies, namesOf(closed.map(({ policy }) => policy)), headers, namesOf(refusing));
}

function policyOf({ source, cost }: Rule): Policy {
  if (source instanceof LimitByRequest) return source.withLimit(Math.max(SOME_LIMIT, cost));
  return currentOf(source);
}

const namesOf = (named: readonly { name: string }[]): string[] => [...new Set(named.map(({ name }) => name))];
