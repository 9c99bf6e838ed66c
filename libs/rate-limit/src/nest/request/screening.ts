import { after } from '../../core/after.js';
import { addressOf } from '../../engine/identity/address.js';
import { keyOfApiKey } from '../../engine/identity/api-key.js';
import type { Lists, ListVerdict } from '../../engine/lists/lists.js';
import type { OwnedLists } from '../../engine/lists/owned-lists.js';
import { isInShadow } from '../../core/shadow.js';
import { currentOf } from '../../engine/limits/live-policy.js';
import type { Partition } from '../keys/key-resolver.js';
import type { Rule } from '../plan/rule.js';
import type { Call } from './call.js';
import { RateLimitRefusedException } from './exceptions.js';
import { keyText } from './per-request.js';
import { headerOf } from './request.js';

/**
 * Checks the module's lists against the address and the API key of a call. Returns the rules that are still needed: all
 * of them, or for an allowed caller those that may refuse it.
 *
 * @throws RateLimitRefusedException if the module's deny list names the caller
 */
export function screened(rules: readonly Rule[], call: Call): readonly Rule[] {
  const { lists } = call.settings;
  if (!lists) return rules;
  call.isAllowed ??= isCallerAllowed(ofModule(lists, call), call);
  if (!call.isAllowed || lists.deny?.keys.size) return rules;
  return rules.filter((rule) => rule.lists?.canRefuse);
}

/**
 * The key of a rule; `undefined` if the policy does not apply, or if its lists allow the caller. The module's lists are
 * checked against the key too, and the call notes whether they allow the caller.
 *
 * @throws RateLimitRefusedException if a deny list names the caller
 */
export function keyOf(rule: Rule, call: Call): Partition | Promise<Partition> {
  const { lists } = call.settings;
  const shared = lists?.namesKeys ? ofModule(lists, call) : undefined;
  const own = rule.lists && ofRule(rule.lists, rule);
  if (!own && !shared) return rule.key(call);

  const look = () => own !== undefined && isCallerAllowed(own, call);
  // A rule that is tried may run twice, but the decision of its lists is reported once.
  const isAllowed = own && rule.phase === 'tried' ? call.once(own.lists, look) : look();
  // For a caller that is allowed already, the key matters only if a list may refuse it or the module's lists need it.
  if (isAllowed && !own?.lists.deny?.keys.size && !shared) return undefined;
  return after(rule.key(call), (key) => {
    if (key === undefined || key === null || call.attempt?.hasRead) return undefined;
    const text = keyText(key, call.settings.keys.ipv6Prefix);
    if (shared && isNamed(shared.lists.onKey(text), shared, call, text, call.isAllowed)) call.isAllowed = true;
    const isKeyAllowed = own !== undefined && isNamed(own.lists.onKey(text), own, call, text, isAllowed);
    return isAllowed || isKeyAllowed ? undefined : key;
  });
}

const ofModule = (lists: Lists, { settings }: Call): OwnedLists => ({
  lists,
  policy: undefined,
  isInShadow: settings.options.mode === 'shadow',
});

const ofRule = (lists: Lists, { name: policy, source }: Rule): OwnedLists => ({
  lists,
  policy,
  isInShadow: isInShadow(currentOf(source)),
});

/** Whether lists allow a caller by its address or its API key, independent of the keys of policies. */
function isCallerAllowed(owned: OwnedLists, call: Call): boolean {
  const { request, settings } = call;
  const { lists } = owned;
  let isAllowed = false;
  if (lists.namesAddresses) {
    settings.keys.watchProxies(request);
    const address = addressOf(request.ip);
    if (address) isAllowed = isNamed(lists.onAddress(address), owned, call, `ip:${address.toString()}`);
  }
  if (lists.namesApiKeys) {
    const apiKey = headerOf(request, settings.keys.apiKeyHeader);
    const key = apiKey && keyOfApiKey(apiKey);
    // Also checked for an allowed address: the API key may be refused.
    if (key && isNamed(lists.onKey(key), owned, call, key, isAllowed)) isAllowed = true;
  }
  return isAllowed;
}

/**
 * Whether lists allow a caller. For a caller that was allowed before, only a refusal is reported. In shadow a refusal is only
 * reported, so the policies that enforce still judge the caller.
 *
 * @throws RateLimitRefusedException if they refuse the caller
 */
function isNamed(
  verdict: ListVerdict,
  { lists, policy, isInShadow: isReportOnly }: OwnedLists,
  { settings }: Call,
  key: string,
  wasAllowed = false,
): boolean {
  if (verdict === undefined) return false;
  if (verdict === 'deny' || !wasAllowed) settings.listDecided?.(policy, key, verdict, isReportOnly);
  if (verdict === 'deny' && !isReportOnly) {
    throw new RateLimitRefusedException(policy === undefined ? [] : [policy], lists.deny!.status);
  }
  return verdict === 'allow';
}
