import { addressOf } from '../../engine/identity/address.js';
import { keyOfApiKey } from '../../engine/identity/api-key.js';
import type { Lists, ListVerdict } from '../../engine/lists/lists.js';
import type { Partition } from '../keys/key-resolver.js';
import type { Rule } from '../plan/rule.js';
import type { Call } from './call.js';
import { RateLimitRefusedException } from './exceptions.js';
import { after, keyText } from './per-request.js';
import { headerOf } from './request.js';

/**
 * The rules that are still to be asked when the module's lists have looked at a call's address and API key. Of a caller
 * that they allow those are the rules that may refuse it.
 *
 * @throws RateLimitRefusedException where the module's deny list names the caller
 */
export function screened(rules: readonly Rule[], call: Call): readonly Rule[] {
  const { lists } = call.settings;
  if (!lists) return rules;
  call.isAllowed ??= isCallerAllowed(lists, call, undefined);
  if (!call.isAllowed || lists.deny?.keys.size) return rules;
  return rules.filter((rule) => rule.lists?.canRefuse);
}

/**
 * The key of a rule; `undefined` where the policy does not apply, or where its lists allow the caller. The module's lists
 * see the key too: whether they allow the caller is then known of the call.
 *
 * @throws RateLimitRefusedException where a deny list names the caller
 */
export function keyOf(rule: Rule, call: Call): Partition | Promise<Partition> {
  const ofModule = call.settings.lists?.namesKeys ? call.settings.lists : undefined;
  const { lists: own, name } = rule;
  if (!own && !ofModule) return rule.key(call);

  const look = () => own !== undefined && isCallerAllowed(own, call, name);
  // A rule that is tried may be asked twice: what its lists decide is reported once.
  const isAllowed = own && rule.phase === 'tried' ? call.once(own, look) : look();
  // A caller that is allowed already: its key counts only where that may refuse it, or where the module's lists see it.
  if (isAllowed && !own?.deny?.keys.size && !ofModule) return undefined;
  return after(rule.key(call), (key) => {
    if (key === undefined || key === null || call.attempt?.hasRead) return undefined;
    const text = keyText(key, call.settings.keys.ipv6Prefix);
    if (ofModule && isNamed(ofModule.onKey(text), ofModule, call, undefined, text, call.isAllowed))
      call.isAllowed = true;
    const isKeyAllowed = own !== undefined && isNamed(own.onKey(text), own, call, name, text, isAllowed);
    return isAllowed || isKeyAllowed ? undefined : key;
  });
}

/**
 * Whether lists allow a caller by its address or its API key, whatever keys the policies make of them.
 *
 * @param policy whose lists they are; `undefined`: the module's
 */
function isCallerAllowed(lists: Lists, call: Call, policy: string | undefined): boolean {
  const { request, settings } = call;
  let isAllowed = false;
  if (lists.namesAddresses) {
    settings.keys.watchProxies(request);
    const address = addressOf(request.ip);
    if (address) isAllowed = isNamed(lists.onAddress(address), lists, call, policy, `ip:${address.toString()}`);
  }
  if (lists.namesApiKeys) {
    const apiKey = headerOf(request, settings.keys.apiKeyHeader);
    const key = apiKey && keyOfApiKey(apiKey);
    // Asked also for an address that is allowed: the API key may be refused.
    if (key && isNamed(lists.onKey(key), lists, call, policy, key, isAllowed)) isAllowed = true;
  }
  return isAllowed;
}

/** Whether lists allow; what they refuse is thrown. Of a caller that was allowed before, only a refusal is news. */
function isNamed(
  verdict: ListVerdict,
  lists: Lists,
  { settings }: Call,
  policy: string | undefined,
  key: string,
  wasAllowed = false,
): boolean {
  if (verdict === undefined) return false;
  if (verdict === 'deny' || !wasAllowed) settings.listDecided?.(policy, key, verdict);
  if (verdict === 'deny') throw new RateLimitRefusedException(policy === undefined ? [] : [policy], lists.deny!.status);
  return true;
}
