import type { Type } from '@nestjs/common';
import { RateLimitError, shown } from '../core/errors.js';
import { policyField, type Verdict } from '../headers/ratelimit-headers.js';
import { ALL_POLICIES, SKIPPED_POLICIES } from './decorators/skip-rate-limit.decorator.js';
import { RATE_LIMIT_POLICIES } from './decorators/rate-limit.decorator.js';
import { listOf } from './decorators/metadata.js';
import type { Asked, Catalogue } from './rate-limit.catalogue.js';
import type { Rule } from './rate-limit.rule.js';

/** The rules that govern one handler, by phase. */
export interface Plan {
  readonly early: readonly Rule[];
  readonly late: readonly Rule[];
  /** Both, for those who decide them at once. */
  readonly all: readonly Rule[];
  /** The text of `RateLimit-Policy` by the definitions, where no policy depends on the request. */
  readonly policyField: string | undefined;
}

const EMPTY_PLAN: Plan = { early: [], late: [], all: [], policyField: '' };

export type Handler = (...args: never[]) => unknown;

/** What decorators say of a class or a handler. */
export const askedOf = (target: object): readonly Asked[] => listOf<Asked>(RATE_LIMIT_POLICIES, target);
const skippedOf = (target: object): readonly (string | symbol)[] => listOf(SKIPPED_POLICIES, target);

/**
 * Default, then class, then method; at each level first the skips, then the additions. A policy that is asked for
 * again by name takes the place of its earlier use.
 *
 * @param levels what is asked for, or the class or handler whose decorators ask
 * @param owner the route, to which policies without a name belong
 * @throws RateLimitError
 */
export function planOf(
  catalogue: Catalogue,
  levels: readonly (readonly Asked[] | Type | Handler)[],
  owner: string,
): Plan {
  let rules: Rule[] = [];
  let unnamed = 0;
  for (const level of levels) {
    const { skipped, asked } =
      typeof level === 'function'
        ? { skipped: skippedOf(level), asked: askedOf(level) }
        : { skipped: [], asked: level };
    rules = without(rules, skipped, catalogue);
    const named = new Set<string>();
    for (const each of asked) {
      const rule = catalogue.ruleFor(each, unnamed === 0 ? owner : `${owner}.${unnamed + 1}`);
      if (rule.unnamed) unnamed++;
      else {
        if (named.has(rule.name)) {
          throw new RateLimitError(
            'RL_POLICY_CONFLICT',
            `asks for ${shown(rule.name)} twice; ask once, or use two names`,
          );
        }
        named.add(rule.name);
        rules = rules.filter((earlier) => earlier.name !== rule.name || earlier.unnamed);
      }
      rules.push(rule);
    }
  }
  return rules.length === 0 ? EMPTY_PLAN : compiled(rules);
}

/** The text of `RateLimit-Policy` for what was decided. Where no policy depends on the request it names all of a plan. */
export function policyFieldOf({ all, policyField: own }: Plan, verdicts: readonly Verdict[]): string {
  if (own === undefined) return policyField(verdicts.map(({ policy }) => policy));
  if (all.every(({ live }) => live!.isOwn)) return own;
  const judged = new Map(verdicts.map(({ policy }) => [policy.id, policy]));
  return policyField(all.map(({ live }) => judged.get(live!.own.id) ?? live!.current));
}

function compiled(all: readonly Rule[]): Plan {
  const policies = all.map(({ policy }) => policy).filter((policy) => policy !== undefined);
  return {
    early: all.filter(({ phase }) => phase === 'early'),
    late: all.filter(({ phase }) => phase === 'late'),
    all,
    policyField: policies.length === all.length ? policyField(policies) : undefined,
  };
}

function without(rules: Rule[], skipped: readonly (string | symbol)[], catalogue: Catalogue): Rule[] {
  if (skipped.includes(ALL_POLICIES)) return [];
  for (const name of skipped) {
    if (catalogue.get(name as string)) continue;
    throw new RateLimitError(
      'RL_UNKNOWN_POLICY',
      `skips ${shown(name)}, which is no policy; there are ${catalogue.names.join(', ') || 'none'}`,
    );
  }
  return rules.filter((rule) => !skipped.includes(rule.name) || rule.unnamed);
}
