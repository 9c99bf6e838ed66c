import { HttpException } from '@nestjs/common';
import { after, isPromise } from '../../core/after.js';
import { RateLimitError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import { saidBy, shown } from '../../core/shown.js';
import type { Rule } from '../plan/rule.js';
import type { Call } from './call.js';
import { IdentityWatch } from './identity-watch.js';

/** Finds the hit of a rule. Errors of its functions pass through. */
type Find = (rule: Rule, call: Call) => Hit | undefined | Promise<Hit | undefined>;

/**
 * The hit of a rule that has functions of the application and no `phase`.
 *
 * A rule that is tried runs early. If it reads the caller's identity before a guard has set it, the attempt is
 * discarded, and the rule runs in the late phase of this call. This is decided for each call again, because a caller
 * must not be able to move a policy. A rule with an early built-in key stays early, whatever its other functions read.
 */
export function watchedHit(rule: Rule, call: Call, find: Find): ReturnType<Find> {
  if (call.phase === 'late' && call.kept(rule) !== POSTPONED) return undefined;
  const watch = call.phase === 'early' ? IdentityWatch.over(call.request, call.settings.keys) : undefined;
  return watch ? watched(rule, call, find, watch) : find(rule, call);
}

function watched(rule: Rule, call: Call, find: Find, watch: IdentityWatch): ReturnType<Find> {
  if (rule.phase === 'tried') call.attempt = watch;
  let hit: ReturnType<Find>;
  try {
    hit = find(rule, call);
  } catch (error) {
    return failed(rule, call, watch, error);
  }
  if (!isPromise(hit)) return found(rule, call, watch, hit);
  return after(
    hit,
    (later) => found(rule, call, watch, later),
    (error) => failed(rule, call, watch, error),
  );
}

function found(rule: Rule, call: Call, watch: IdentityWatch, hit: Hit | undefined): Hit | undefined {
  return isDiscarded(rule, call, watch) ? undefined : hit;
}

function failed(rule: Rule, call: Call, watch: IdentityWatch, error: unknown): undefined {
  if (isDiscarded(rule, call, watch)) return undefined;
  throw watch.hasRead ? tooEarly(rule, watch, error) : error;
}

/** Whether the rule must be decided in the late phase instead. */
function isDiscarded(rule: Rule, call: Call, watch: IdentityWatch): boolean {
  watch.end();
  call.attempt = undefined;
  if (!watch.hasRead) return false;
  const { warnOnce } = call.settings;
  const { id } = rule.source.own;
  if (rule.phase !== 'tried') {
    warnOnce(`early reading by ${id}`, () => `${call.place}: ${readByEarly(rule, watch)}. ${USE_LATE}`);
    return false;
  }
  warnOnce(`late decision of ${id}`, () => `${call.place}: ${decidedLate(rule, watch)}`);
  call.keep(rule, POSTPONED);
  return true;
}

/** The note about a rule that runs in the late phase of a call. */
const POSTPONED = 'postponed';

function decidedLate(rule: Rule, { read }: IdentityWatch): string {
  const advice = isOwnKey(rule)
    ? `use a key that needs no request.${read}, such as byIp.`
    : `do not read request.${read} there: nothing has set it yet.`;
  return (
    `the ${functionsOf(rule)} of the policy ${shown(rule.name)} read request.${read} before your guards set it, so it is decided ` +
    `after your guards. Requests that a guard refuses are not counted by it. If you want that, give it phase: 'late'. If not, ${advice}`
  );
}

const readByEarly = (rule: Rule, { read }: IdentityWatch): string =>
  `the ${functionsOf(rule)} function of the policy ${shown(rule.name)} read request.${read} before your guards set it`;

const USE_LATE =
  "Give the policy phase: 'late' to decide it after your guards; requests that a guard refuses are then not counted by it.";

/** Those of the application's functions that may have read it. */
function functionsOf(rule: Rule): string {
  const { skip, costOf, source, use } = rule;
  const names = [
    source.varies === 'all' && 'resolve',
    isOwnKey(rule) && 'key',
    skip && 'skip',
    source.varies === 'limit' && 'limit',
    costOf && typeof use.cost === 'function' && 'cost',
  ];
  return names.filter((name) => name).join(' or ');
}

/** Whether the key is a function of the application, or combined of one. */
const isOwnKey = ({ phase, use }: Rule): boolean => phase === 'tried' && use.key?.phase === undefined;

/** An `HttpException` is for the client and stays as it is. Other errors get the reason and the fix. */
function tooEarly(rule: Rule, watch: IdentityWatch, error: unknown): unknown {
  if (error instanceof HttpException) return error;
  const isOurs = error instanceof RateLimitError;
  const what = isOurs ? error.detail : saidBy(error);
  const detail = `${readByEarly(rule, watch)}, and failed: ${what}. ${USE_LATE}`;
  return new RateLimitError(isOurs ? error.code : 'RL_TOO_EARLY', detail, { cause: error });
}
