import { few, oneLine } from '../../../core/shown.js';
import type { RateLimitModuleOptions } from '../../options.js';
import { hasOwnQuota } from '../../plan/own-quotas.js';
import type { Plan } from '../../plan/plan.js';
import type { Plans } from '../../plan/plans.js';
import { placeOf, type Route } from '../../plan/routes.js';
import type { Rule } from '../../plan/rule.js';
import { keyText, listsText, numbersText, phaseText } from './rule-text.js';

/** The handlers that have a limit. */
export type Limited = readonly { readonly route: Route; readonly plan: Plan }[];

/** A line for each policy: those of handlers, then those that only code names. */
export const policyLines = (
  plans: Plans,
  limited: Limited,
  options: RateLimitModuleOptions,
  isBound: boolean,
): string[] => [...governing(limited, options, isBound), ...unasked(plans, limited, options)];

interface Line {
  readonly rule: Rule;
  readonly text: string;
  readonly places: Set<string>;
}

/** A line for each policy that governs handlers. Policies with the same text share a line. */
function governing(limited: Limited, options: RateLimitModuleOptions, isBound: boolean): string[] {
  const lines = new Map<string, Line>();
  for (const { route, plan } of limited) {
    for (const rule of plan.all) {
      const phase = isBound ? phaseText(rule) : 'where you bind RateLimitGuard';
      const text = `${definitionText(rule, options)}; ${keyText(rule)}; ${phase}`;
      const kind = `${rule.isUnnamed} ${hasOwnQuota(rule)} ${rule.name}: ${text}`;
      const line = lines.get(kind) ?? { rule, text, places: new Set() };
      lines.set(kind, line);
      line.places.add(placeOf(route));
    }
  }
  return [...lines.values()].map(lineText);
}

/** The line of a policy. If each handler has its own quota, the line names the handlers. */
function lineText({ rule, text, places }: Line): string {
  const isOwn = hasOwnQuota(rule);
  const name = oneLine(rule.name);
  const where = few([...places]);
  const subject = rule.isUnnamed ? `${where} ("${name}")` : isOwn ? `${name} on ${where}` : name;
  const each = isOwn && places.size > 1 ? ', a quota for each' : '';
  return `${subject}: ${text}; ${counted(places.size, 'handler')}${each}`;
}

/** Policies that no handler uses, or only with its own numbers. That is no mistake: jobs may use them. */
function unasked({ catalogue }: Plans, limited: Limited, options: RateLimitModuleOptions): string[] {
  const asked = new Set(
    limited
      .flatMap(({ plan }) => plan.all)
      .filter((rule) => !rule.isUnnamed && (!hasOwnQuota(rule) || catalogue.get(rule.name)?.isPerHandler))
      .map(({ name }) => name),
  );
  return catalogue.names
    .filter((name) => !asked.has(name))
    .map(
      (name) => `${oneLine(name)}: ${definitionText(catalogue.get(name)!, options)}; used by no handler, only by code`,
    );
}

function definitionText(rule: Rule, { onStoreFailure, redis, store }: RateLimitModuleOptions): string {
  const mode = rule.source.own.onStoreFailure ?? onStoreFailure ?? 'local';
  const canFail = redis !== undefined || store !== undefined;
  return `${numbersText(rule)}${canFail && mode !== 'local' ? `, onStoreFailure ${mode}` : ''}${listsText(rule)}`;
}

export const counted = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`;
