import { few } from '../../../core/shown.js';
import type { Lists } from '../../../engine/lists/lists.js';
import type { RateLimitModuleOptions } from '../../options.js';
import type { Plan } from '../../plan/plan.js';
import type { Plans } from '../../plan/plans.js';
import { placeOf, type Route } from '../../plan/routes.js';
import { listLines } from './list-lines.js';
import { counted, policyLines, type Limited } from './policy-lines.js';

/** An application may have hundreds of policies and of handlers. */
const MOST_POLICIES = 30;
const MOST_UNLIMITED = 10;

/** What the summary is made of. */
export interface Summarised {
  readonly plans: Plans;
  readonly options: RateLimitModuleOptions;
  readonly lists: Lists | undefined;
  /** Whether the module binds the guard. Otherwise the application does. */
  readonly isBound: boolean;
  /** Whether the guard protects a route. */
  readonly isGuarded: (route: Route) => boolean;
  /** Where quotas are kept, as a sentence. */
  readonly kept: string;
}

/** The log entry at boot: a line for each policy, with its numbers, key, phase and handlers. */
export function summaryOf({ plans, options, lists, isBound, isGuarded, kept }: Summarised): string {
  const handlers = plans.routes.map((route) => ({ route, plan: plans.for(route) }));
  const isLimited = ({ route, plan }: Limited[number]): boolean => plan.all.length > 0 && isGuarded(route);
  const limited = handlers.filter(isLimited);
  const unlimited = handlers.filter((each) => !isLimited(each)).map(({ route }) => placeOf(route));
  const lines = policyLines(plans, limited, options, isBound);
  const shown = lines.slice(0, MOST_POLICIES);
  if (lines.length > shown.length) shown.push(`… and ${lines.length - shown.length} more`);
  const names = unlimited.length === 0 ? '' : `: ${few(unlimited, MOST_UNLIMITED)}`;
  return [
    `Rate limits: ${counted(limited.length, 'handler')} limited, ${unlimited.length} without a limit${names}.`,
    ...shown,
    ...(isBound ? twice(limited) : []),
    ...listLines(options, lists, limited, handlers.length),
    kept,
    ...shared(options),
  ].join('\n  ');
}

function twice(limited: Limited): string[] {
  const both = limited.filter(({ plan }) => hasBothPhases(plan)).map(({ route }) => placeOf(route));
  if (both.length === 0) return [];
  return [
    `Before and after your guards: ${few(both)}. A request costs up to two commands. Each phase is charged as a whole.`,
  ];
}

/** Whether a request may be decided in both phases: each asks the store. */
const hasBothPhases = ({ early, late, all }: Plan): boolean => early.length > 0 && late.length > 0 && all.length > 1;

/** How much of a quota each instance admits while the store is down. In memory it is always all of it. */
function shared({ redis, store, instances = 1 }: RateLimitModuleOptions): string[] {
  if ((redis === undefined && store === undefined) || instances === 1) return [];
  const which = redis === undefined ? 'the store' : 'Redis';
  return [`While ${which} gives no answer, each instance admits 1/${instances} of a quota (instances: ${instances}).`];
}
