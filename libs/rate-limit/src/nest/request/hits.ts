import { after, isPromise } from '../../core/after.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import { kindOf, shown } from '../../core/shown.js';
import type { FinalCost } from '../ending/final-cost.js';
import type { Partition } from '../keys/key-resolver.js';
import type { Rule } from '../plan/rule.js';
import type { Call } from './call.js';
import type { HeldHit } from './held-hits.js';
import { checkCost, keyText } from './per-request.js';
import { keyOf } from './screening.js';
import { watchedHit } from './watched-hit.js';

/**
 * The hits of a call, without those of rules that do not apply. A promise only if a function of the application returns
 * one. Rules run one after the other. Errors of the functions pass through.
 *
 * @throws RateLimitRefusedException if a deny list names the caller
 */
export function hitsOf(rules: readonly Rule[], call: Call): Hit[] | Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let i = 0; i < rules.length; i++) {
    const hit = hitOf(rules[i]!, call);
    if (isPromise(hit)) return rest(rules, call, hits, hit, i + 1);
    if (hit) hits.push(hit);
  }
  return hits;
}

async function rest(
  rules: readonly Rule[],
  call: Call,
  hits: Hit[],
  first: Promise<Hit | undefined>,
  from: number,
): Promise<Hit[]> {
  let hit = await first;
  for (let i = from; ; i++) {
    if (hit) hits.push(hit);
    if (i === rules.length) return hits;
    hit = await hitOf(rules[i]!, call);
  }
}

const hitOf = (rule: Rule, call: Call): Hit | undefined | Promise<Hit | undefined> =>
  rule.isWatched ? watchedHit(rule, call, found) : found(rule, call);

function found(rule: Rule, call: Call): Hit | undefined | Promise<Hit | undefined> {
  if (!rule.skip) return unskipped(rule, call);
  return after(rule.skip(call.context), (isSkipped) => {
    if (call.attempt?.hasRead) return undefined;
    if (!isSkipped) return unskipped(rule, call);
    if (typeof isSkipped !== 'boolean') noteOddSkip(rule, call, isSkipped);
    return undefined;
  });
}

/** The text 'false' counts as true, as in every condition. */
function noteOddSkip({ source }: Rule, call: Call, value: unknown): void {
  // A longer text may be a secret of the request, and an object its user.
  const isHarmless = typeof value === 'number' || (typeof value === 'string' && value.length <= 5);
  const { id, name } = source.own;
  call.settings.warnOnce(
    `skip of ${id}`,
    () =>
      `${call.place}: skip of the policy ${shown(name)} returned ${isHarmless ? shown(value) : kindOf(value)}, ` +
      'which counts as true: return true or false.',
  );
}

function unskipped(rule: Rule, call: Call): Hit | undefined | Promise<Hit | undefined> {
  const key = keyOf(rule, call);
  return isPromise(key) ? after(key, (found) => hitFor(rule, call, found)) : hitFor(rule, call, key);
}

/** Looks the policy up last, because its limit may have changed while the cost was awaited. */
function hitFor(rule: Rule, call: Call, partition: Partition): Hit | undefined | Promise<Hit | undefined> {
  if (partition === undefined || partition === null) return undefined;
  const key = keyText(partition, call.settings.keys.ipv6Prefix);
  if (!rule.costOf) return charging(rule, call, key, rule.cost);
  return after(rule.costOf(call), (cost) => {
    checkCost(cost, rule.name);
    return charging(rule, call, key, cost);
  });
}

function charging(rule: Rule, call: Call, key: string, cost: number): Hit | Promise<Hit> {
  const policy = rule.source.for(call, key);
  const hit = rule.final
    ? heldHit(rule.final, call, key, cost)
    : (found: Policy): Hit => ({ policy: found, key, cost });
  return isPromise(policy) ? after(policy, hit) : hit(policy);
}

/** A hit whose charge is held until the call ends. */
const heldHit =
  (final: FinalCost, call: Call, key: string, cost: number) =>
  (policy: Policy): HeldHit => ({ policy, key, cost, hold: { id: call.holdId, ttl: policy.lease }, final });
