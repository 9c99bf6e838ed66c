import type { DenyOptions, ListEntry } from '../../engine/lists/list.js';
import type { ListOptions } from '../../engine/lists/lists.js';
import type { Plan } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Route } from '../plan/routes.js';
import type { Rule } from '../plan/rule.js';
import { hasBothPhases, phaseText } from './phase-text.js';
import { keyText, numbersText } from './rule-text.js';

/** An application may have hundreds of policies. */
const MOST_POLICIES = 30;
const MOST_NAMED = 3;

/** The input of the summary. */
export interface Summarised {
  readonly plans: Plans;
  readonly options: ListOptions;
  /** Whether the module binds the guard. Otherwise the application does. */
  readonly isBound: boolean;
  /** Whether the guard protects a route. */
  readonly isGuarded: (route: Route) => boolean;
  /** Where quotas are kept, as a sentence. */
  readonly kept: string;
}

/** The log entry at boot: a line for each policy with its numbers, key, phase and handlers. */
export function summaryOf({ plans, options, isBound, isGuarded, kept }: Summarised): string {
  const guarded = plans.routes.map((route) => ({ route, plan: plans.for(route.controller, route.name) }));
  const limited = guarded.filter(({ route, plan }) => plan.all.length > 0 && isGuarded(route));
  const lines = [...governing(limited, isBound), ...unasked(plans, limited)];
  const shown = lines.slice(0, MOST_POLICIES);
  if (lines.length > shown.length) shown.push(`… and ${lines.length - shown.length} more`);
  return [
    `Rate limits: ${counted(limited.length, 'handler')} limited, ${guarded.length - limited.length} without a limit.`,
    ...shown,
    ...(isBound ? twice(limited) : []),
    ...listed(options),
    kept,
  ].join('\n  ');
}

type Limited = readonly { readonly route: Route; readonly plan: Plan }[];

/** A line for each policy that governs handlers. Unnamed policies with equal texts share a line. */
function governing(limited: Limited, isBound: boolean): string[] {
  const handlers = new Map<string, number>();
  for (const { plan } of limited) {
    // A handler may have two policies that read the same.
    for (const text of new Set(plan.all.map((rule) => ruleText(rule, isBound)))) {
      handlers.set(text, (handlers.get(text) ?? 0) + 1);
    }
  }
  return [...handlers].map(([text, count]) => `${text}; ${counted(count, 'handler')}`);
}

function ruleText(rule: Rule, isBound: boolean): string {
  const name = rule.isUnnamed ? 'unnamed, a quota for each handler' : rule.name;
  const phase = isBound ? phaseText(rule) : 'where you bind RateLimitGuard';
  return `${name}: ${numbersText(rule)}; ${keyText(rule)}; ${phase}`;
}

/** A policy that no handler uses is not a mistake, because code may use it. */
function unasked({ catalogue }: Plans, limited: Limited): string[] {
  const asked = new Set(limited.flatMap(({ plan }) => plan.all).map(({ isUnnamed, name }) => !isUnnamed && name));
  return catalogue.names
    .filter((name) => !asked.has(name))
    .map((name) => `${name}: ${numbersText(catalogue.get(name)!)}; used by no handler, only by code`);
}

function twice(limited: Limited): string[] {
  const both = limited.filter(({ plan }) => hasBothPhases(plan)).map(({ route }) => placeOf(route));
  if (both.length === 0) return [];
  return [
    `Before and after your guards: ${namesOf(both)}. A request costs two commands, and each of them charges all of its policies or none.`,
  ];
}

function listed({ allow, deny }: ListOptions): string[] {
  const lines: string[] = [];
  if (allow?.length) lines.push(`Allowed, without limits: ${counted(allow.length, 'entry', 'entries')}.`);
  const { list, status = 403 } = isDenyOptions(deny) ? deny : { list: deny ?? [] };
  if (list.length) lines.push(`Denied, with ${status}: ${counted(list.length, 'entry', 'entries')}.`);
  return lines;
}

const isDenyOptions = (deny: readonly ListEntry[] | DenyOptions | undefined): deny is DenyOptions =>
  deny !== undefined && !Array.isArray(deny);

export const placeOf = ({ controller, name }: Route): string => `${controller.name}.${name}`;

/** The first few, and how many more. */
export function namesOf(names: readonly string[]): string {
  const rest = names.length - MOST_NAMED;
  return `${names.slice(0, MOST_NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

const counted = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`;
