import type { ExecutionContext } from '@nestjs/common';
import type { Hit } from '../../core/hit.js';
import type { Partition } from '../keys/key-resolver.js';
import type { KeySettings } from '../keys/key-settings.js';
import { listedKey, type KeyRule } from '../lists/lists.js';
import type { RateLimitRequest } from './request.js';
import type { Rule } from '../plan/rule.js';
import { checkCost, isPromise, textOf } from './values.js';
import type { Lookup } from '../resolve/lookup.js';
import { resolvedHit } from '../resolve/resolved-hit.js';

/**
 * The rules' hits on this request, without those that do not apply: at once, unless somebody has to be waited for.
 * Whatever a resolver throws comes through.
 *
 * @param seen told of each key that is found, before it is known whether the policy's lists allow it
 * @throws RateLimitRefusedException where a policy's lists deny the caller
 */
export function hitsOf(
  rules: readonly Rule[],
  context: ExecutionContext,
  request: RateLimitRequest,
  settings: KeySettings,
  seen?: (key: string) => void,
): Hit[] | Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!;
    const { live, cost } = rule;
    if (rule.skip || !live || typeof cost !== 'number') {
      if (rule.skip || !rule.lookup) return waitingFor(i);
      const hit = lookedUp(rule, rule.lookup, context, request, settings, seen);
      if (isPromise(hit)) return waitingFor(i, undefined, hit);
      if (hit) hits.push(hit);
      continue;
    }
    const key = keyOf(rule, context, request, settings, seen);
    if (isPromise(key)) return waitingFor(i, key);
    if (key === undefined) continue;
    const text = textOf(key);
    hits.push({ policy: live.for(text), key: text, cost });
  }
  return hits;

  async function waitingFor(
    from: number,
    firstKey?: Promise<Partition>,
    firstHit?: Promise<Hit | undefined>,
  ): Promise<Hit[]> {
    for (let i = from; i < rules.length; i++) {
      const rule = rules[i]!;
      if (rule.skip && (await rule.skip(context))) continue;
      if (rule.lookup) {
        const hit = await (i === from && firstHit
          ? firstHit
          : lookedUp(rule, rule.lookup, context, request, settings, seen));
        if (hit) hits.push(hit);
        continue;
      }
      const key = await (i === from && firstKey ? firstKey : keyOf(rule, context, request, settings, seen));
      if (key === undefined) continue;
      const text = textOf(key);
      const limited = rule.limit && rule.policyFor(await rule.limit(context));
      const cost = typeof rule.cost === 'number' ? rule.cost : await rule.cost(context);
      checkCost(cost, rule.name);
      // What holds is looked up last: it may have changed while somebody was waited for.
      hits.push({ policy: limited ?? rule.live!.for(text), key: text, cost });
    }
    return hits;
  }
}

/** The rule's key, as its lists and the module's leave it. */
function keyOf(
  rule: KeyRule,
  context: ExecutionContext,
  request: RateLimitRequest,
  settings: KeySettings,
  seen?: (key: string) => void,
): Partition | Promise<Partition> {
  return rule.lists || seen ? listedKey(rule, context, request, settings, seen) : rule.key(context, request, settings);
}

/** The hit of a rule that is looked up; whom its lists allow by his address costs no lookup. */
const lookedUp = (
  rule: Rule,
  lookup: Lookup,
  context: ExecutionContext,
  request: RateLimitRequest,
  settings: KeySettings,
  seen?: (key: string) => void,
): Hit | undefined | Promise<Hit | undefined> =>
  resolvedHit(rule, lookup, context, request, settings, (key) =>
    keyOf({ name: rule.name, lists: rule.lists, key }, context, request, settings, seen),
  );
