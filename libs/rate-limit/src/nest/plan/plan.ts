import type { Type } from '@nestjs/common';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import type { Policy } from '../../core/policy.js';
import { isInShadow } from '../../core/shadow.js';
import { policyField, shownAt, shownBy, type Verdict } from '../../headers/ratelimit-headers.js';
import { ALL_POLICIES, SKIPPED_POLICIES } from '../decorators/skip-rate-limit.decorator.js';
import { RATE_LIMIT_POLICIES } from '../decorators/rate-limit.decorator.js';
import { listOf, listOfMethod } from '../decorators/metadata.js';
import { LivePolicy } from '../../engine/limits/live-policy.js';
import type { Rule } from './rule.js';
import type { RequestedPolicy, RuleCatalogue } from './rule-catalogue.js';

/** The rules that govern one handler, by phase. */
export interface Plan {
  readonly early: readonly Rule[];
  readonly late: readonly Rule[];
  /** Both, for a guard that decides them at once. */
  readonly all: readonly Rule[];
  /** Their policies, if none depends on the request. */
  readonly live: readonly LivePolicy[] | undefined;
  /** Whether one of them holds its charge until the call ends. */
  readonly isHolding: boolean;
  /** Whether one has a calendar window: then the text of `RateLimit-Policy` depends on the day. */
  readonly hasCalendar: boolean;
  /** The text of `RateLimit-Policy` with the numbers of their definitions. */
  readonly policyField: string;
  /** The same after limits were changed for all keys, kept until they change again. */
  changed: { readonly policies: readonly Policy[]; readonly field: string } | undefined;
}

const EMPTY_PLAN: Plan = {
  early: [],
  late: [],
  all: [],
  live: [],
  isHolding: false,
  hasCalendar: false,
  policyField: '',
  changed: undefined,
};

export type Handler = (...args: never[]) => unknown;

/** The policies that the decorators of a class or a handler add and skip. */
export interface Asked {
  readonly requested: readonly RequestedPolicy[];
  readonly skipped: readonly (string | symbol)[];
}

export function askedByClass(type: Type): Asked {
  const { prototype } = type as { prototype?: { constructor: Type } };
  // A class decorator may have put a Proxy or another function in front of the class that was decorated.
  const inner = prototype?.constructor;
  const isWrapped = typeof inner === 'function' && inner !== type && inner.prototype === prototype;
  const list = <T>(key: symbol): readonly T[] => {
    const own = listOf<T>(key, type);
    return isWrapped ? [...own, ...listOf<T>(key, inner).filter((each) => !own.includes(each))] : own;
  };
  return { requested: list(RATE_LIMIT_POLICIES), skipped: list(SKIPPED_POLICIES) };
}

export const askedByMethod = (type: Type, name: string | symbol, method: Handler): Asked => ({
  requested: listOfMethod(RATE_LIMIT_POLICIES, type.prototype as object, name, method),
  skipped: listOfMethod(SKIPPED_POLICIES, type.prototype as object, name, method),
});

/**
 * Makes a plan: first the default policies, then those of the class, then those of the method. At each level skips come
 * before additions. If a level uses a name again, it replaces the earlier use.
 *
 * @param levels the policies of each level, or the decorators' policies and skips
 * @param owner what the route's own quotas are filed under
 * @throws RateLimitError
 */
export function planOf(
  catalogue: RuleCatalogue,
  levels: readonly (readonly RequestedPolicy[] | Asked)[],
  owner: string,
): Plan {
  let rules: Rule[] = [];
  for (const [depth, level] of levels.entries()) {
    const { skipped, requested } = 'requested' in level ? level : { skipped: [], requested: level };
    rules = without(rules, skipped, catalogue);
    const named = new Set<string>();
    let unnamed = 0;
    for (const each of requested) {
      const rule = catalogue.ruleFor(each, owner, ownPlace(owner, depth, unnamed));
      if (rule.isUnnamed) unnamed++;
      else {
        if (named.has(rule.name)) {
          throw new RateLimitError(
            'RL_POLICY_CONFLICT',
            `asks for the policy ${shown(rule.name)} twice; remove one, or use two names`,
          );
        }
        named.add(rule.name);
        rules = rules.filter((earlier) => earlier.name !== rule.name || earlier.isUnnamed);
      }
      rules.push(rule);
    }
  }
  return rules.length === 0 ? EMPTY_PLAN : compiled(rules);
}

/** The levels by what is added to the owner: a policy that joins one level must not move the quotas of another. */
const LEVELS = ['#default', '#class', ''];

/** What the quota of a policy without a name is filed under: after the first one of a level, the rest are numbered. */
const ownPlace = (owner: string, depth: number, before: number): string => {
  const place = `${owner}${LEVELS[depth]}`;
  return before === 0 ? place : `${place}#${before + 1}`;
};

/**
 * The text of `RateLimit-Policy` for what was decided. Where no policy depends on the request it names all of a plan that
 * are not in shadow.
 *
 * @param now milliseconds since the epoch
 * @param showsShadow whether policies in shadow are shown too
 */
export function policyFieldOf(plan: Plan, verdicts: readonly Verdict[], now: number, showsShadow: boolean): string {
  const { live, policyField: own } = plan;
  if (!live || showsShadow) return policyField(verdicts.map((verdict) => shownBy(verdict, now)));
  if (!plan.hasCalendar && live.every(({ isOwn }) => isOwn)) return own;
  const judged = live.map(({ own: { id } }) => verdicts.find(({ policy }) => policy.id === id));
  // Keys with an override are too rare to cache their texts, and calendar windows vary.
  if (plan.hasCalendar || judged.some((verdict, i) => verdict && verdict.policy !== live[i]!.current)) {
    const shown = judged.map((verdict, i) => (verdict ? shownBy(verdict, now) : shownOf(live[i]!.current, now)));
    return policyField(shown.flat());
  }
  if (!plan.changed?.policies.every((policy, i) => policy === live[i]!.current)) {
    const policies = live.map(({ current }) => current);
    plan.changed = { policies, field: policyField(policies.flatMap((policy) => shownOf(policy, now))) };
  }
  return plan.changed.field;
}

/** Nothing of a policy in shadow, which clients need not know. */
const shownOf = (policy: Policy, now: number) => (isInShadow(policy) ? [] : [shownAt(policy, now)]);

function compiled(all: readonly Rule[]): Plan {
  const live = all.map(({ source }) => source).filter((source) => source instanceof LivePolicy);
  return {
    // Rules that are tried are in both phases: each request finds out which phase decides them.
    early: all.filter(({ phase }) => phase !== 'late'),
    late: all.filter(({ phase }) => phase !== 'early'),
    all,
    live: live.length === all.length ? live : undefined,
    isHolding: all.some(({ final }) => final !== undefined),
    hasCalendar: live.some(({ own }) => own.period.isCalendar),
    policyField: policyField(live.flatMap(({ own }) => shownOf(own, Date.now()))),
    changed: undefined,
  };
}

function without(rules: Rule[], skipped: readonly (string | symbol)[], catalogue: RuleCatalogue): Rule[] {
  if (skipped.includes(ALL_POLICIES)) return [];
  for (const name of skipped) {
    if (catalogue.get(name as string)) continue;
    throw new RateLimitError(
      'RL_UNKNOWN_POLICY',
      `skips the policy ${shown(name)}, which is not defined; ${catalogue.contents}`,
    );
  }
  return rules.filter((rule) => !skipped.includes(rule.name) || rule.isUnnamed);
}
